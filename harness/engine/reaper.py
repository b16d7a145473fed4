"""Ends what an embedded Ray has left behind when its driver was killed and could not.

Ray's own processes end with the driver or soon after it, some of them only after a minute in which they look for the
others. This program, a process of its own, waits until the driver has gone. It imports nothing but the standard
library, so that it starts in a moment.

python reaper.py FOLDER
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DONE = b"done"  # said by a driver that has cleaned up itself
PATIENCE = 5.0  # seconds in which what still writes to a folder has to end


@contextmanager
def reaped(folder: Path) -> Iterator[None]:
    """However this process ends, no process that has files of a folder open outlives it, and no such folder."""
    with subprocess.Popen(
        [sys.executable, "-I", __file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # what ends a terminal's processes does not end this one
    ) as reaper:
        try:
            yield
        finally:
            with suppress(OSError):
                reaper.communicate(DONE)


def reap(folder: Path) -> None:
    """Kill the processes that have files of a folder open, and remove it."""
    for process in _users(folder):
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
    remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder; a process that is about to end may still write to it for a moment."""
    limit = time.monotonic() + PATIENCE
    while folder.exists() and time.monotonic() < limit:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


def _users(folder: Path) -> list[int]:
    processes = [path for path in Path("/proc").iterdir() if path.name.isdecimal() and int(path.name) != os.getpid()]
    return [int(process.name) for process in processes if any(file.is_relative_to(folder) for file in _files(process))]


def _files(process: Path) -> list[Path]:
    """The files that a process has open, as far as this one may know them."""
    found = []
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                found.append(link.readlink())
    return found


if __name__ == "__main__":
    if sys.stdin.buffer.read() != DONE:  # it ends with the process at the other end
        reap(Path(sys.argv[1]))
