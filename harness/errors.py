"""User-facing errors, one-line formatting of exceptions, and detection of a full disk."""

import errno


class UserError(Exception):
    """A mistake that the user can fix: one sentence that says what is wrong, where, what is allowed and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class Rejected(UserError):
    """A write that was refused permanently, and that concerns a single trial."""


def cause_of(error: BaseException) -> str:
    """Return an exception in one line; the type is left out for a `UserError`, which is a sentence."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    return " ".join(f"{type(error).__name__}: {error}".split())


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an exception, or one that it was raised from, says that no space is left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "database or disk is full" in str(error):  # SQLite's words
            return True
        error = error.__cause__ or error.__context__
    return False
