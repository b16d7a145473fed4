"""What can be wrong with a dataset's files."""

from harness.errors import UserError


class Missing(UserError):
    """A file of a dataset is not there; fetching the dataset brings it."""


class Damaged(UserError):
    """A file of a dataset is there, but it can't be read or is not what it should be."""
