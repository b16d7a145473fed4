"""The time since this process started, by a monotonic clock."""

from __future__ import annotations

import os
import time

from harness.boot import started

_IMPORTED = time.monotonic()  # stands in for the start of the process if the system does not tell it


def since_start() -> float:
    """Return the seconds since this process began, including time in which the machine was suspended."""
    began = started(os.getpid())
    if began is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return time.monotonic() - _IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")
