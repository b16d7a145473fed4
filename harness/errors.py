"""Errors: those that a user can mend, and how any is told."""


class UserError(Exception):
    """A mistake of the user's: one sentence that says what is wrong, where, what is allowed and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


def cause_of(error: BaseException) -> str:
    """An exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
