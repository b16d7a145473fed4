"""Save and restore process-wide settings.

These are the working directory, environment, arguments, signal handlers, standard streams, filters of warnings,
loggers, locale, processor affinity, and NumPy's and torch's settings: threads, precision, default type and device,
gradients, determinism.
"""

from __future__ import annotations

import gc
import locale
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

PutBack = Callable[[], None]


@contextmanager
def kept_settings() -> Iterator[None]:
    """Restore the settings of this process on exit."""
    with ExitStack() as stack:
        for keep in (_folder, _environment, _signals, _streams, _warnings, _loggers, _system, _numpy, _torch):
            stack.callback(keep())
        yield


def _folder() -> PutBack:
    try:
        before = os.getcwd()
    except FileNotFoundError:
        return lambda: None
    return lambda: os.chdir(before)


def _environment() -> PutBack:
    before = dict(os.environ)

    def put_back() -> None:
        if os.environ != before:
            os.environ.clear()
            os.environ.update(before)

    return put_back


def _signals() -> PutBack:
    if threading.current_thread() is not threading.main_thread():
        return lambda: None  # no other thread can set them
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def put_back() -> None:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)

    return put_back


def _streams() -> PutBack:
    before = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr", "excepthook", "displayhook")}
    arguments = list(sys.argv)

    def put_back() -> None:
        for name, value in before.items():
            setattr(sys, name, value)
        sys.argv[:] = arguments

    return put_back


def _warnings() -> PutBack:
    filters, show = list(warnings.filters), warnings.showwarning

    def put_back() -> None:
        if list(warnings.filters) != filters:
            warnings.resetwarnings()
            warnings.filters[:] = filters  # type: ignore[index]
        warnings.showwarning = show

    return put_back


def _loggers() -> PutBack:
    known = [
        logging.root,
        *(each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)),
    ]
    before = [(each, each.level, each.disabled, each.propagate, list(each.handlers)) for each in known]
    limit = logging.root.manager.disable

    def put_back() -> None:
        logging.disable(limit)
        for logger, level, disabled, propagate, handlers in before:
            if logger.level != level:
                logger.setLevel(level)
            logger.disabled, logger.propagate = disabled, propagate
            logger.handlers[:] = handlers

    return put_back


def _system() -> PutBack:
    return _settings(
        (lambda: os.sched_getaffinity(0), lambda processors: os.sched_setaffinity(0, processors)),
        (lambda: locale.setlocale(locale.LC_ALL), lambda language: locale.setlocale(locale.LC_ALL, language)),
        (sys.getrecursionlimit, sys.setrecursionlimit),
        (gc.isenabled, lambda collects: gc.enable() if collects else gc.disable()),
        (gc.get_threshold, lambda thresholds: gc.set_threshold(*thresholds)),
        (socket.getdefaulttimeout, socket.setdefaulttimeout),
        _attribute(tempfile, "tempdir"),
        _attribute(sys, "dont_write_bytecode"),
    )


def _numpy() -> PutBack:
    import numpy as np

    return _settings((np.geterr, lambda errors: np.seterr(**errors)))


def _torch() -> PutBack:
    import torch

    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    put_back = _settings(
        (torch.get_default_dtype, torch.set_default_dtype),
        # to set the processor, which holds anyway, would slow everything down
        (torch.get_default_device, lambda device: torch.set_default_device(None if device.type == "cpu" else device)),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        *(_attribute(cudnn, name) for name in ("enabled", "benchmark", "deterministic", "allow_tf32")),
        _attribute(products, "allow_tf32"),
    )

    def all_back() -> None:
        torch.set_flush_denormal(False)  # torch does not tell what it was; this is what it starts with
        put_back()

    return all_back


def _attribute(holder: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    return lambda: getattr(holder, name), lambda value: setattr(holder, name, value)


def _settings(*pairs: tuple[Callable[[], Any], Callable[[Any], object]]) -> PutBack:
    """Return a function that restores settings, each given by a getter and a setter."""
    before = [get() for get, _ in pairs]

    def put_back() -> None:
        for (get, put), value in zip(pairs, before, strict=True):
            if get() != value:
                put(value)

    return put_back
