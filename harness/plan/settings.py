"""Convert a variant's configuration to plain values for keys, records and messages to workers."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from harness.errors import UserError

FROM_TASK = {"image_size", "image_channels", "classes"}  # settings that the task decides


def plain_settings(variant: str, config: BaseModel) -> dict[str, Any]:
    """Return the settings of a configuration as JSON values from which it can be rebuilt; sets are sorted.

    Raises:
        UserError: a setting can't be written as JSON, or is read back as another value.
    """
    settings: dict[str, Any] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        try:
            settings[name] = _in_order(config.model_dump(mode="json", include={name})[name], value)
            json.dumps(settings[name], allow_nan=False)
        except (PydanticSerializationError, TypeError, ValueError, KeyError, RecursionError) as error:
            raise _unusable(variant, name, value, str(error)) from None
    try:
        again = type(config)(**json.loads(json.dumps(settings)))
    except ValidationError as error:
        name = str(next(iter(error.errors()[0]["loc"]), "config"))
        raise _unusable(variant, name, settings.get(name), "it is refused when it is read back") from None
    for name in settings:
        if repr(getattr(again, name)) != repr(getattr(config, name)) and getattr(again, name) != getattr(config, name):
            raise _unusable(variant, name, getattr(config, name), "another value comes back")
    return settings


def _in_order(told: Any, value: Any) -> Any:
    """Sort the members of sets in what pydantic dumped of a value, since their order differs between processes."""
    if isinstance(value, set | frozenset):
        return sorted(told, key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(value, list | tuple) and isinstance(told, list) and len(told) == len(value):
        return [_in_order(*pair) for pair in zip(told, value, strict=True)]
    if isinstance(value, dict) and isinstance(told, dict) and len(told) == len(value):
        return {key: _in_order(each, under) for (key, each), under in zip(told.items(), value.values(), strict=True)}
    if isinstance(value, BaseModel) and isinstance(told, dict):
        return {key: _in_order(each, getattr(value, key, None)) for key, each in told.items()}
    return told


def _unusable(variant: str, name: str, value: object, reason: str) -> UserError:
    return UserError(
        f"{name} of variant '{variant}' is {value!r}, which can't be kept in a record as JSON "
        f"({reason.splitlines()[0]}); give the setting a type that pydantic writes as JSON and reads back."
    )
