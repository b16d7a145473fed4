"""Run code of the user's without letting it change this process for anybody else.

Settings and random states are put back (`process_settings` beside this, `harness.randomness`). What can't be put back:
functions that are replaced in other modules, threads and processes that are started, priorities, and torch's number of
inter-operation threads. A trial has a process of its own, so that nothing of this reaches another one there.
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
from harness.plugins.process_settings import kept_settings
from harness.randomness import kept_random_state

STDOUT, STDERR = 1, 2  # file descriptors


@contextmanager
def isolated_process() -> Iterator[None]:
    """Code inside changes neither settings nor random states of this process, and does not end it.

    Raises:
        UserError: the code inside has called `sys.exit`.
    """
    with kept_settings(), kept_random_state(), no_exit():
        yield


@contextmanager
def foreign_code() -> Iterator[None]:
    """Code of the user's in a process that does other things as well: isolated, and what it prints goes to standard
    error.

    Raises:
        UserError: the code inside has called `sys.exit` or `os._exit`.
    """
    with stdout_aside(), isolated_process(), _exits_raise(), _last_words_aside():
        yield


@contextmanager
def _last_words_aside() -> Iterator[None]:
    """What is registered inside to run when the process ends prints to standard error then."""
    register = atexit.register

    def run_aside(call: Callable[..., object], arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        with stdout_aside():
            call(*arguments, **named)

    def register_aside(call: Callable[..., object], *arguments: Any, **named: Any) -> Callable[..., object]:
        register(run_aside, call, arguments, named)
        return call

    atexit.register = register_aside  # type: ignore[assignment]
    try:
        yield
    finally:
        atexit.register = register


@contextmanager
def _exits_raise() -> Iterator[None]:
    """`os._exit` raises SystemExit in this process; one that is forked inside ends."""
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
    """Code inside does not end this process.

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
def stdout_aside() -> Iterator[None]:
    """What is printed inside goes to standard error, by Python or past it; standard output is for results alone."""
    sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError), ExitStack() as stack:
        kept = os.dup(STDOUT)
        stack.callback(os.close, kept)
        stack.callback(os.dup2, kept, STDOUT)
        os.dup2(STDERR, STDOUT)
        stack = stack.pop_all()
    with stack, contextlib.redirect_stdout(sys.stderr):
        yield
