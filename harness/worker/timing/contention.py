"""Who else has used the machine's processors while something was timed."""

from __future__ import annotations

import os
import time
from types import TracebackType

import psutil

MAX_CONTENTION = 0.1  # cores used by others; above it a timing is flagged


class CpuContention:
    """A context manager that counts the processor time of everybody but this process.

    cores: how many processor cores others kept busy, on average, once the block has ended. Time that a hypervisor
        gave to other guests counts as theirs.
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
        # the kernel counts the machine's time in hundredths of a second for each core
        self.cores = max(0.0, everybody - mine) / max(wall, 0.01 * (os.cpu_count() or 1))

    def _now(self) -> tuple[float, float, float]:
        """Wall time, processor time of the whole machine, and of this process, in seconds."""
        machine, mine = psutil.cpu_times(), psutil.Process().cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        guest = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)  # counted as user time already
        return time.perf_counter(), sum(machine) - guest - idle, mine.user + mine.system
