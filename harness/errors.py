"""The errors a user can mend."""


class UserError(Exception):
    """A mistake of the user's: one sentence that says what is wrong, where, what is allowed and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
