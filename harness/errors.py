"""Errors: those that a user can mend, how any is told, and which ones say that a disk is full."""

import errno


class UserError(Exception):
    """A mistake of the user's: one sentence that says what is wrong, where, what is allowed and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class Rejected(UserError):
    """A write that was refused for good, and that concerns one trial alone."""


def cause_of(error: BaseException) -> str:
    """An exception in one line; a user's mistake is a sentence already."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    return " ".join(f"{type(error).__name__}: {error}".split())


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an exception, or what it was raised from, says that there is no space left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "database or disk is full" in str(error):  # SQLite's words
            return True
        error = error.__cause__ or error.__context__
    return False
