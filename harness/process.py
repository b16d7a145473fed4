"""Make a process end with its parent."""

from __future__ import annotations

import ctypes
import os
import signal

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


def die_with(parent: int) -> None:
    """Have this process killed when the parent, or its thread that started this one, ends; exit if it has ended."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
