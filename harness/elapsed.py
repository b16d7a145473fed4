"""How long this process has been at work, by a clock that nobody sets."""

from __future__ import annotations

import os
import time

from harness.boot import started

_IMPORTED = time.monotonic()  # which is early, where the system does not tell when a process began


def since_start() -> float:
    """Seconds since this process began; the time in which the machine slept counts."""
    began = started(os.getpid())
    if began is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return time.monotonic() - _IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")
