"""Measure the processor time that other processes use during a timing."""

from __future__ import annotations

import os
import time
from types import TracebackType

import psutil

MAX_CONTENTION = 0.1  # cores used by other processes above which a timing is flagged


class CpuContention:
    """A context manager that measures the processor time of all other processes.

    cores: the average number of cores that they kept busy inside, set on exit. Time that a hypervisor gave to other
        guests is included.
    """

    def __init__(self) -> None:
        self.cores = 0.0

    def __enter__(self) -> CpuContention:
        self._began = self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall, everybody, mine = (now - before for now, before in zip(self._now(), self._began, strict=True))
        # the kernel counts each core's time in hundredths of a second
        self.cores = max(0.0, everybody - mine) / max(wall, 0.01 * (os.cpu_count() or 1))

    def _now(self) -> tuple[float, float, float]:
        """Return wall time, processor time of the whole machine, and of this process, in seconds."""
        machine, mine = psutil.cpu_times(), psutil.Process().cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        guest = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)  # counted as user time already
        return time.perf_counter(), sum(machine) - guest - idle, mine.user + mine.system
