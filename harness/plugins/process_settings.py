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

Restore = Callable[[], None]


@contextmanager
def preserve_settings() -> Iterator[None]:
    """Restore the settings of this process on exit."""
    with ExitStack() as stack:
        for keep in (_folder, _environment, _signals, _streams, _warnings, _loggers, _system, _numpy, _torch):
            stack.callback(keep())
        yield


def _folder() -> Restore:
    try:
        before = os.getcwd()
    except FileNotFoundError:
        return lambda: None
    return lambda: os.chdir(before)


def _environment() -> Restore:
    before = dict(os.environ)

    def restore() -> None:
        if os.environ != before:
            os.environ.clear()
            os.environ.update(before)

    return restore


def _signals() -> Restore:
    if threading.current_thread() is not threading.main_thread():
        return lambda: None  # no other thread can set them
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def restore() -> None:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)

    return restore


def _streams() -> Restore:
    before = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr", "excepthook", "displayhook")}
    arguments = list(sys.argv)

    def restore() -> None:
        for name, value in before.items():
            setattr(sys, name, value)
        sys.argv[:] = arguments

    return restore


def _warnings() -> Restore:
    filters, show = list(warnings.filters), warnings.showwarning

    def restore() -> None:
        if list(warnings.filters) != filters:
            warnings.resetwarnings()
            warnings.filters[:] = filters  # type: ignore[index]
        warnings.showwarning = show

    return restore


def _loggers() -> Restore:
    known = [
        logging.root,
        *(each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)),
    ]
    before = [(each, each.level, each.disabled, each.propagate, list(each.handlers)) for each in known]
    limit = logging.root.manager.disable

    def restore() -> None:
        logging.disable(limit)
        for logger, level, disabled, propagate, handlers in before:
            if logger.level != level:
                logger.setLevel(level)
            logger.disabled, logger.propagate = disabled, propagate
            logger.handlers[:] = handlers

    return restore


def _system() -> Restore:
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


def _numpy() -> Restore:
    import numpy as np

    return _settings((np.geterr, lambda errors: np.seterr(**errors)))


def _torch() -> Restore:
    import torch

    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    restore = _settings(
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

    def restore_all() -> None:
        torch.set_flush_denormal(False)  # the default; torch has no getter
        restore()

    return restore_all


def _attribute(holder: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    return lambda: getattr(holder, name), lambda value: setattr(holder, name, value)


def _settings(*pairs: tuple[Callable[[], Any], Callable[[Any], object]]) -> Restore:
    """Return a function that restores settings, each given by a getter and a setter."""
    before = [get() for get, _ in pairs]

    def restore() -> None:
        for (get, put), value in zip(pairs, before, strict=True):
            if get() != value:
                put(value)

    return restore
