"""Context managers that restore what Ray changes in this process: environment variables and signal handlers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

RAY_PREFIXES = ("RAY_", "PYTHONBREAKPOINT")  # of the environment variables that Ray sets
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def environment(settings: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables (None unsets one), and restore them and those that Ray sets on exit."""
    before = dict(os.environ)
    for name, value in settings.items():
        _set(name, value)
    try:
        yield
    finally:
        for name in {*before, *os.environ}:
            if name in settings or name.startswith(RAY_PREFIXES):
                _set(name, before.get(name))


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@contextmanager
def own_signals() -> Iterator[None]:
    """Restore the handlers of SIGINT and SIGTERM, which Ray replaces.

    Raises:
        KeyboardInterrupt: Ray's handler has raised SystemExit, as it does on SIGTERM.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None:  # None: it was not installed from Python
                    signal.signal(number, handler)


@contextmanager
def ray_environment(settings: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables as `environment` does, and have Ray read its configuration again on entry and exit.

    Ray reads its authentication settings only once, when it is imported.
    """
    try:
        with environment(settings):
            _read_again()
            yield
    finally:
        _read_again()


def _read_again() -> None:
    import ray

    core: Any = ray._raylet
    core.Config.initialize("")  # first: Ray ends the process if a token is required and missing
    core.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def loopback_alone() -> Iterator[None]:
    """Make the Ray processes that are started inside listen on the loopback interface alone."""
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
