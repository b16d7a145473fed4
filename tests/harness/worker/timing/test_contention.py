"""CPU time that other processes use during a timing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest

from harness.worker.timing import contention
from harness.worker.timing.contention import MAX_CONTENTION, CpuContention

BUSY_LOOP = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
WALL_SECONDS = 2.0


class CpuTimes(NamedTuple):
    """Seconds that the cores of a machine have spent in each state, as in `psutil.cpu_times()`."""

    user: float = 0.0
    system: float = 0.0
    idle: float = 0.0
    iowait: float = 0.0
    steal: float = 0.0
    guest: float = 0.0
    guest_nice: float = 0.0


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., float]:
    """The cores that others kept busy, if the machine's and this process's counters rise so within `WALL_SECONDS`."""

    def measure(machine: CpuTimes, user: float, system: float = 0.0) -> float:
        now = [CpuTimes(*[100.0] * len(machine)), SimpleNamespace(user=7.0, system=5.0), 50.0]
        monkeypatch.setattr(contention.psutil, "cpu_times", lambda: now[0])
        monkeypatch.setattr(contention.psutil, "Process", lambda: SimpleNamespace(cpu_times=lambda: now[1]))
        monkeypatch.setattr(contention.time, "perf_counter", lambda: now[2])
        with CpuContention() as others:
            after = CpuTimes(*(100.0 + seconds for seconds in machine))
            now[:] = [after, SimpleNamespace(user=7.0 + user, system=5.0 + system), 50.0 + WALL_SECONDS]
        return others.cores

    return measure


def test_the_work_of_this_process_is_no_contention(measured: Callable[..., float]) -> None:
    machine = CpuTimes(user=3.0, system=0.5, idle=4.0, iowait=0.5)
    assert measured(machine, user=3.0, system=0.5) == pytest.approx(0)


def test_work_of_others_is_counted_in_cores(measured: Callable[..., float]) -> None:
    machine = CpuTimes(user=4.0, system=1.0, idle=3.0)
    assert measured(machine, user=2.0) == pytest.approx(1.5)  # 5 s of CPU time, of which 2 s are its own, in 2 s


def test_time_of_other_guests_is_counted_and_that_of_own_guests_once(measured: Callable[..., float]) -> None:
    assert measured(CpuTimes(user=2.0, steal=1.0, idle=5.0), user=2.0) == pytest.approx(0.5)
    machine = CpuTimes(user=4.0, guest=1.5, guest_nice=0.5, idle=4.0)  # guests' time is in the user time as well
    assert measured(machine, user=2.0) == pytest.approx(1.0)


def test_counters_that_lag_behind_give_no_negative_contention(measured: Callable[..., float]) -> None:
    assert measured(CpuTimes(user=1.9, idle=2.0), user=2.0) == 0


def test_a_real_process_beside_this_one_is_noticed() -> None:
    """While it runs the machine's others are at least as busy as it is, whatever else runs."""
    with subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) as load:
        try:
            process = psutil.Process(load.pid)
            began, used = time.perf_counter(), sum(process.cpu_times()[:2])
            with CpuContention() as others:
                while sum(process.cpu_times()[:2]) - used < 0.5:
                    time.sleep(0.05)
            cores = 0.5 / (time.perf_counter() - began)
        finally:
            load.kill()
    assert others.cores > 0.8 * cores
    assert cores < 0.2 or others.cores > MAX_CONTENTION


def test_no_time_is_no_contention() -> None:
    with CpuContention() as others:
        pass
    assert others.cores >= 0
