"""Run code that is not the harness's own, such as a plugin's, without lasting effects on the process.

Settings and random states are restored (`process_settings`, `harness.randomness`). What can't be restored: monkey
patches, started threads and processes, priorities, and torch's number of inter-op threads. Unless
`--serial` is given, a trial has a process of its own, so none of these reaches another trial.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from harness.errors import UserError
from harness.plugins.process_settings import preserve_settings
from harness.randomness import preserve_random_state

STDOUT, STDERR = 1, 2  # file descriptors


@contextmanager
def state_restored() -> Iterator[None]:
    """Restore settings and random states on exit, and turn `sys.exit` into an error.

    Raises:
        UserError: the code inside has called `sys.exit`.
    """
    with preserve_settings(), preserve_random_state(), no_exit():
        yield


@contextmanager
def foreign_code() -> Iterator[None]:
    """Run user code in a process that does other work as well: isolated, and with its output on standard error.

    Raises:
        UserError: the code inside has called `sys.exit` or `os._exit`.
    """
    with stdout_to_stderr(), state_restored(), _exits_raise(), _atexit_to_stderr():
        yield


@contextmanager
def _atexit_to_stderr() -> Iterator[None]:
    """Make functions that are registered with atexit inside print to standard error."""
    register = atexit.register

    def run_redirected(call: Callable[..., object], arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        with stdout_to_stderr():
            call(*arguments, **named)

    def register_wrapped(call: Callable[..., object], *arguments: Any, **named: Any) -> Callable[..., object]:
        register(run_redirected, call, arguments, named)
        return call

    atexit.register = register_wrapped  # type: ignore[assignment]
    try:
        yield
    finally:
        atexit.register = register


@contextmanager
def _exits_raise() -> Iterator[None]:
    """Make `os._exit` raise SystemExit in this process; processes that are forked inside exit as usual."""
    leave, process = os._exit, os.getpid()

    def raise_here(status: int) -> None:
        if os.getpid() == process:
            raise SystemExit(status)
        leave(status)

    os._exit = raise_here  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave


@contextmanager
def no_exit() -> Iterator[None]:
    """Turn `sys.exit` inside into an error.

    Raises:
        UserError: the code inside has called `sys.exit`.
    """
    try:
        yield
    except SystemExit as left:
        raise UserError(
            f"a variant or dataset leaves the program (sys.exit({left.code!r})); let it raise an exception that says "
            f"what is wrong."
        ) from left


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Redirect file descriptor 1 and sys.stdout to standard error; standard output is for results alone."""
    sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError), ExitStack() as stack:
        kept = os.dup(STDOUT)
        stack.callback(os.close, kept)
        stack.callback(os.dup2, kept, STDOUT)
        os.dup2(STDERR, STDOUT)
        stack = stack.pop_all()
    with stack, contextlib.redirect_stdout(sys.stderr):
        yield
