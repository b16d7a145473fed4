"""Which process of which machine: known without host names, which are given twice, and clocks, which are set."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
STATE, START = 0, 19  # of the fields behind the name in /proc/PID/stat: the latter in ticks since the boot
ENDED = "ZX"  # states of a process that only its parent still knows of


def machine() -> str | None:
    """This boot of this machine and its space of process numbers; None where the system does not tell."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(PROC / 'self/ns/pid')}"
    except OSError:
        return None


def started(process: int) -> int | None:
    """When a process of this machine began, in ticks since the boot; None if there is none, or that is not told."""
    try:
        fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
        return None if fields[STATE] in ENDED else int(fields[START])
    except (OSError, ValueError, IndexError):
        return None
