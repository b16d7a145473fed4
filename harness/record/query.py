"""Conditions on runs, in MLflow's filter syntax."""

from __future__ import annotations

from harness.errors import UserError


def equals(tag: str, value: str) -> str:
    """Return the condition that a tag has a value.

    Raises:
        UserError: the syntax can't express the value.
    """
    mark = "'" if "'" not in value else '"'
    if mark in value or "`" in value or not value.isprintable():
        raise UserError(f"{value!r} can't be looked for in the record: it has quotes in it; name something else.")
    return f"tags.`{tag}` = {mark}{value}{mark}"
