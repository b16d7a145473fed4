"""Identify machines and processes without host names, which may not be unique, and clocks, which can be set."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
STATE, START = 0, 19  # places among the fields after the name in /proc/PID/stat
ENDED = "ZX"  # zombie, dead


def machine() -> str | None:
    """Return the id of this boot of this machine and of its PID namespace; None if the system has none."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(PROC / 'self/ns/pid')}"
    except OSError:
        return None


def started(process: int) -> int | None:
    """Return the start of a process, in clock ticks since the boot; None if it does not run or has no such entry."""
    try:
        fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
        return None if fields[STATE] in ENDED else int(fields[START])
    except (OSError, ValueError, IndexError):
        return None
