"""What code of the user's changes of a process is put back, and what it prints goes aside."""

from __future__ import annotations

import gc
import locale
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch

from harness.errors import UserError
from harness.isolation import foreign_code, isolated_process, kept_settings, random_state, seed_everything, stdout_aside

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
    "determinism": (torch.are_deterministic_algorithms_enabled, lambda: torch.use_deterministic_algorithms(True)),
    "benchmark": (lambda: torch.backends.cudnn.benchmark, lambda: setattr(torch.backends.cudnn, "benchmark", True)),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("fails", [False, True])
def test_a_setting_is_what_it_was(name: str, fails: bool) -> None:
    get, change = CHANGES[name]
    before = get()
    try:
        with kept_settings():
            change()
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    assert get() == before


def test_random_numbers_go_on_as_if_none_had_been_drawn() -> None:
    def draw() -> list[float]:
        return [
            random.random(),
            random.gauss(),
            float(np.random.rand()),
            float(np.random.randn()),
            float(torch.rand(1)),
        ]

    seed_everything(2**32 + 7)
    draw()
    state = random_state()["numpy"]
    with isolated_process():
        seed_everything(3)
        inside = draw()
    after = draw()
    seed_everything(2**32 + 7)
    draw()
    assert draw() == after != inside
    seed_everything(3)
    assert draw() == inside
    assert state[3] == 1  # NumPy keeps half of a pair of normal numbers, which counts as well


@pytest.mark.parametrize("code", [None, 0, 1, "no"])
def test_nobody_leaves_the_program(code: object) -> None:
    with pytest.raises(UserError, match="leaves the program"), isolated_process():
        sys.exit(code)  # type: ignore[arg-type]


def test_nobody_ends_the_process_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    leave = os._exit

    def end() -> None:
        print("something")
        if os.fork() == 0:  # a process of its own may end so
            os._exit(0)
        os.wait()
        os._exit(0)

    with pytest.raises(UserError, match="leaves the program"), foreign_code():
        end()
    assert os._exit is leave
    assert capfd.readouterr() == ("", "something\n")


def test_standard_output_is_for_results_alone(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with stdout_aside():
        print("by Python")
        os.write(1, b"past it\n")
        subprocess.run(["echo", "by a program"], check=True)
    print("after")
    said = capfd.readouterr()
    assert said.out == "before\nafter\n"
    assert sorted(said.err.splitlines()) == ["by Python", "by a program", "past it"]


def test_last_words_go_aside_too() -> None:
    script = (
        "import atexit\nfrom harness.isolation import foreign_code\n"
        "with foreign_code():\n    atexit.register(print, 'farewell', end='!')\n"
        "print('{}')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{}\n", "farewell!")
