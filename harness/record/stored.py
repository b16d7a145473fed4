"""Models as JSON in the record, which outlive the version of the harness that wrote them."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import UserError
from harness.suite.explain import RENAMED

VERSION = 3  # of what is written; there was no number before 2, and other names of the tables before 3
FIELD = "version"

M = TypeVar("M", bound=BaseModel)


def store(model: BaseModel) -> dict[str, object]:
    """What is written of a model: its fields and the version of the form."""
    return {FIELD: VERSION, **model.model_dump(mode="json")}


def restore(kind: type[M], text: str, what: str) -> M:
    """A model as any version has written it: fields that this one doesn't know are ignored, missing ones defaulted.

    Arguments:
        what: what the text is, for a message.

    Raises:
        UserError: it can't be read even so.
    """
    try:
        return kind.model_validate_json(_renamed(text), extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its text"
        raise UserError(
            f"{what} can't be read: {where}: {first['msg']}{_of_version(text)}; use the version of the harness that "
            f"wrote it, or run the suite again."
        ) from None


def _renamed(text: str) -> str:
    """A document with the names that its fields have now; what is no document is left as it is."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(told, dict) or not RENAMED.keys() & told.keys():
        return text
    return json.dumps({RENAMED.get(name, name): value for name, value in told.items()})


def _of_version(text: str) -> str:
    try:
        version = json.loads(text)[FIELD]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return f" (it has the form {str(version)[:20]}, and this harness writes {VERSION})" if version != VERSION else ""
