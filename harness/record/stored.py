"""Store pydantic models as JSON in the record, and read those that earlier versions have written."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from harness.errors import UserError
from harness.plan.trial import Trial
from harness.suite.explain import RENAMED

VERSION = 4  # of the JSON; before 2 it had no version field
FIELD = "version"

M = TypeVar("M", bound=BaseModel)
_TRIAL: TypeAdapter[Trial] = TypeAdapter(Trial)


def store(model: BaseModel) -> dict[str, object]:
    """Return what is written of a model: its fields and the version."""
    return {FIELD: VERSION, **model.model_dump(mode="json")}


def restore(kind: type[M], text: str, what: str) -> M:
    """Read a model that any version has written: unknown fields are ignored, missing ones have their defaults.

    Arguments:
        what: the name of the text in the error message.

    Raises:
        UserError: it can't be read.
    """
    try:
        return kind.model_validate_json(_as_today(text), extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its text"
        raise UserError(
            f"{what} can't be read: {where}: {first['msg']}{_of_version(text)}; use the version of the harness that "
            f"wrote it, or run the suite again."
        ) from None


def restore_trial(text: str | bytes) -> Trial:
    """Read a trial that any version has written.

    Raises:
        ValidationError: it can't be read.
    """
    return _TRIAL.validate_json(_as_today(text), extra="ignore")


def _as_today(text: str | bytes) -> str | bytes:
    """Rename the fields of a JSON object to their current names; anything else is returned unchanged."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return text
    trials = found.get("trials")
    if isinstance(trials, list):
        found["trials"] = [_trial_as_today(each) for each in trials]
    return json.dumps({RENAMED.get(name, name): value for name, value in _trial_as_today(found).items()})


def _trial_as_today(trial: Any) -> Any:
    """Convert a trial of a version before 4: its work was in a field named after its kind, and a round was a `seed`."""
    if not isinstance(trial, dict) or "work" in trial or trial.get("kind") not in {"training", "timing"}:
        return trial
    kind = trial["kind"]
    found = {name: value for name, value in trial.items() if name not in {"training", "timing"}}
    if kind == "timing":
        found["round"] = found.pop("seed", None)
    return {**found, "work": trial.get(kind)}


def _of_version(text: str) -> str:
    try:
        version = json.loads(text)[FIELD]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return f" (it has the form {str(version)[:20]}, and this harness writes {VERSION})" if version != VERSION else ""
