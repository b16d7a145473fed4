"""Run code of the user's without letting it change this process for anybody else.

Put back are: the working directory, environment, arguments, signal handlers, standard streams, filters of warnings,
loggers, locale, processor affinity, NumPy's and torch's settings (threads, precision, default type and device,
gradients, determinism), and the states of the random generators. What can't be put back: functions that are replaced
in other modules, threads and processes that are started, priorities, and torch's number of inter-operation threads.
A trial has a process of its own, so that nothing of this reaches another one there.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import locale
import logging
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from harness.errors import UserError

PutBack = Callable[[], None]
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
def kept_settings() -> Iterator[None]:
    """Settings of this process are afterwards what they were before."""
    with ExitStack() as stack:
        for keep in (_folder, _environment, _signals, _streams, _warnings, _loggers, _system, _numpy, _torch):
            stack.callback(keep())
        yield


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


def seed_everything(seed: int) -> None:
    """Seed the random generators of Python, NumPy and torch."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """The states of these generators, of tensors and plain values."""
    import numpy as np
    import torch

    name, words, position, has_gauss, gauss = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (name, torch.tensor(words.astype(np.int64)), int(position), int(has_gauss), float(gauss)),  # type: ignore[union-attr]
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Go on from the states that `random_state` gave."""
    import numpy as np
    import torch

    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, values, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, values.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Random numbers that are drawn inside are not missing afterwards."""
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)


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
    """What puts settings back, each given by how it is read and how it is set."""
    before = [get() for get, _ in pairs]

    def put_back() -> None:
        for (get, put), value in zip(pairs, before, strict=True):
            if get() != value:
                put(value)

    return put_back
