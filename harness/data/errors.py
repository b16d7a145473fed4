"""Errors about a dataset's files."""

from harness.errors import UserError


class Missing(UserError):
    """A file of a dataset is not there; `python -m harness data fetch` gets it."""


class Damaged(UserError):
    """A file of a dataset is there, but it can't be read or its content is wrong."""
