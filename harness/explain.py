"""One sentence for what pydantic found wrong, naming the key, the range or the nearest allowed name."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.registry import nearest

BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}"}


def explain(error: ValidationError, schema: type[BaseModel]) -> str:
    """What is wrong with the first key that pydantic refuses, and what is allowed there."""
    first = error.errors()[0]
    path = [part for part in first["loc"] if not _is_type_name(part)]
    key = ".".join(str(part) for part in path) or "the document"
    field, owner = _find(path, schema)
    if first["type"] == "extra_forbidden":
        allowed = owner.model_fields if owner is not None else ()
        return f"unknown key '{key}': {nearest(str(path[-1]), allowed)}"
    if first["type"] == "missing":
        return f"'{key}' is missing: it says {_meaning(field)}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if first["type"] == "value_error":
        return f"{key}: {message}" if path else message
    bounds = _range(field)
    allowed_range = f"; allowed: {bounds}" if bounds else ""
    return f"'{key}' is {_short(first['input'])}: {message}{allowed_range}"


def _is_type_name(part: int | str) -> bool:
    """Pydantic puts the name of a union's member into the path; it is no key of the document."""
    return isinstance(part, str) and (part[:1].isupper() or "[" in part or part in {"int", "float", "str"})


def _find(path: list[int | str], schema: type[BaseModel]) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """The field at a path and the model that owns its last key."""
    owner: type[BaseModel] | None = schema
    field: FieldInfo | None = None
    for depth, part in enumerate(path):
        if isinstance(part, int):
            continue
        if field is not None:
            owner = _model_in(field.annotation)
        field = owner.model_fields.get(part) if owner is not None else None
        if field is None and depth < len(path) - 1:
            # A mapping's own key, such as a protocol's name: go on with the mapping's values.
            field = _previous(path[:depth], schema)
    return field, owner


def _previous(path: list[int | str], schema: type[BaseModel]) -> FieldInfo | None:
    return _find(path, schema)[0] if path else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as `list[Row]` or `Row | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in typing.get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _range(field: FieldInfo | None) -> str:
    if field is None:
        return ""
    found = [
        text.format(getattr(rule, name))
        for rule in field.metadata
        for name, text in BOUNDS.items()
        if getattr(rule, name, None) is not None
    ]
    return " and ".join(found)


def _meaning(field: FieldInfo | None) -> str:
    return field.description if field is not None and field.description else "what the suite needs there"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
