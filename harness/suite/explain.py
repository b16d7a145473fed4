"""Explain a validation error of pydantic in one sentence that names the key and what is allowed."""

from __future__ import annotations

import json
import typing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.registry import nearest
from harness.suite.claims import TAG

RENAMED = {"table2": "errors", "table3": "times"}  # keys of earlier versions
MARKS = {"[key]", TAG}  # of a mapping's own key, and of a claim whose kind an analysis brings along
BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}"}


def explain(error: ValidationError, schema: type[BaseModel], under: str = "") -> str:
    """Return what is wrong with the first key that pydantic refuses, and what is allowed there.

    Arguments:
        under: the path of the model in the document, with a dot at its end.
    """
    # An unknown key first: often it is the misspelling of one that is missing.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    path = [part for part in first["loc"] if part not in MARKS]
    key = f"{under}{'.'.join(str(part) for part in path)}".removesuffix(".") or "the document"
    field, owner = _find(path, schema)
    if first["type"] == "extra_forbidden":
        if path[-1] in RENAMED and field is None:
            return f"'{key}' is called '{RENAMED[path[-1]]}' now; rename it"
        return f"unknown key '{key}': {nearest(str(path[-1]), owner.model_fields if owner is not None else ())}"
    if first["type"] == "missing":
        return f"'{key}' is missing: it says {_meaning(field)}"
    if first["type"] == "model_type":
        allowed = ", ".join(sorted(_model_at(path, schema).model_fields))
        return f"'{key}' is {_short(first['input'])}: write a mapping of keys; available: {allowed}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if first["type"] == "value_error":
        return f"{key}: {message}" if path or under else message
    bounds = _range(field, is_item=isinstance(path[-1], int) if path else False)
    allowed_range = f"; allowed: {bounds}" if bounds else ""
    return f"'{key}' is {_short(first['input'])}: {message}{allowed_range}"


def _find(path: list[int | str], schema: type[BaseModel]) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """Return the field at a path, and the model that owns its last key."""
    owner: type[BaseModel] | None = schema
    field: FieldInfo | None = None
    for depth, part in enumerate(path):
        if isinstance(part, int):
            continue
        if field is not None:
            owner = _model_in(field.annotation)
        field = owner.model_fields.get(part) if owner is not None else None
        if field is None and depth < len(path) - 1:
            # A key of a free mapping, such as a protocol's name: continue with the mapping's values.
            field = _previous(path[:depth], schema)
    return field, owner


def _previous(path: list[int | str], schema: type[BaseModel]) -> FieldInfo | None:
    return _find(path, schema)[0] if path else None


def _model_at(path: list[int | str], schema: type[BaseModel]) -> type[BaseModel]:
    """Return the model that belongs at a path, which may end with a key of a free mapping."""
    fields = (_find(path[:end], schema)[0] for end in (len(path), len(path) - 1) if end > 0)
    found = (_model_in(field.annotation) for field in fields if field is not None)
    return next(filter(None, found), schema)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as `list[Row]` or `Row | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in typing.get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _range(field: FieldInfo | None, is_item: bool) -> str:
    if field is None:
        return ""
    found = [
        text.format(getattr(rule, name))
        for rule in (_item_rules(field.annotation) if is_item else field.metadata)
        for name, text in BOUNDS.items()
        if getattr(rule, name, None) is not None
    ]
    return " and ".join(dict.fromkeys(found))


def _item_rules(annotation: Any) -> list[Any]:
    """Return the rules for the items of an annotation such as `list[Annotated[int, Field(ge=0)]]`."""
    rules: list[Any] = []
    for argument in typing.get_args(annotation):
        rules += argument.metadata if isinstance(argument, FieldInfo) else _item_rules(argument)
    return rules


def _meaning(field: FieldInfo | None) -> str:
    return field.description if field is not None and field.description else "what the suite needs there"


def _short(value: Any) -> str:
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)  # YAML's words
    return text if len(text) <= 60 else text[:57] + "…"
