"""What code changes of the settings of its process is put back."""

from __future__ import annotations

import gc
import locale
import logging
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch

from harness.plugins.process_settings import preserve_settings

CHANGES: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "folder": (os.getcwd, lambda: os.chdir("/")),
    "environment": (lambda: dict(os.environ), lambda: os.environ.update(OMP_NUM_THREADS="97", HARNESS_DATA="/")),
    "variable": (lambda: dict(os.environ), lambda: os.environ.pop("PATH")),
    "interrupt": (lambda: signal.getsignal(signal.SIGINT), lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)),
    "ending": (lambda: signal.getsignal(signal.SIGTERM), lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)),
    "stdout": (lambda: sys.stdout, lambda: setattr(sys, "stdout", None)),
    "excepthook": (lambda: sys.excepthook, lambda: setattr(sys, "excepthook", print)),
    "arguments": (lambda: list(sys.argv), lambda: sys.argv.append("more")),
    "filters": (lambda: list(warnings.filters), lambda: warnings.simplefilter("ignore")),
    "level": (lambda: logging.root.level, lambda: logging.root.setLevel(1)),
    "handlers": (lambda: list(logging.root.handlers), lambda: logging.root.addHandler(logging.NullHandler())),
    "logging": (lambda: logging.root.manager.disable, lambda: logging.disable(logging.CRITICAL)),
    "locale": (lambda: locale.setlocale(locale.LC_ALL), lambda: locale.setlocale(locale.LC_CTYPE, "C")),
    "depth": (sys.getrecursionlimit, lambda: sys.setrecursionlimit(5000)),
    "garbage": (gc.isenabled, gc.disable),
    "timeout": (socket.getdefaulttimeout, lambda: socket.setdefaulttimeout(3)),
    "processors": (lambda: os.sched_getaffinity(0), lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})),
    "errors": (np.geterr, lambda: np.seterr(all="raise")),
    "dtype": (torch.get_default_dtype, lambda: torch.set_default_dtype(torch.float64)),
    "device": (torch.get_default_device, lambda: torch.set_default_device("meta")),
    "threads": (torch.get_num_threads, lambda: torch.set_num_threads(torch.get_num_threads() + 1)),
    "gradients": (torch.is_grad_enabled, lambda: torch.set_grad_enabled(False)),
    "determinism": (torch.are_deterministic_algorithms_enabled, lambda: torch.set_deterministic_debug_mode("error")),
    "benchmark": (lambda: torch.backends.cudnn.benchmark, lambda: setattr(torch.backends.cudnn, "benchmark", True)),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("fails", [False, True])
def test_a_setting_is_what_it_was(name: str, fails: bool) -> None:
    get, change = CHANGES[name]
    before = get()
    try:
        with preserve_settings():
            change()
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    assert get() == before
