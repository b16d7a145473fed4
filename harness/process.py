"""Processes that end with the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


def die_with(parent: int) -> None:
    """Be killed when the parent, or the thread of it that started this process, ends; it may have ended already."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
