"""What Ray takes from this process's surroundings and leaves in them, kept within bounds."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

RAYS = ("RAY_", "PYTHONBREAKPOINT")  # how the names begin that Ray sets
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def environment(settings: Mapping[str, str | None]) -> Iterator[None]:
    """The environment of this process with settings, None for none; Ray's own changes of it are undone as well."""
    before = dict(os.environ)
    for name, value in settings.items():
        _set(name, value)
    try:
        yield
    finally:
        for name in {*before, *os.environ}:
            if name in settings or name.startswith(RAYS):
                _set(name, before.get(name))


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@contextmanager
def own_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM mean afterwards what they meant before: Ray puts handlers of its own in their place.

    Raises:
        KeyboardInterrupt: a SIGTERM has come meanwhile, at which Ray's handler leaves the interpreter.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None:  # as it is where it was not set by Python
                    signal.signal(number, handler)


@contextmanager
def ray_environment(settings: Mapping[str, str | None]) -> Iterator[None]:
    """An environment as of `environment`, which Ray goes by inside; afterwards it goes by the one before.

    Ray reads how it authenticates once, when it is imported, so that it is told to read it anew.
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
    core.Config.initialize("")  # first: a token that is looked for in vain ends the process
    core.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def loopback_alone() -> Iterator[None]:
    """Every Ray process that is started here listens on the loopback interface and on no other."""
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
