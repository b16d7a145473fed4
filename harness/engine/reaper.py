"""Ends what an embedded Ray has left behind where its driver was killed, or hurried, and could not.

Ray's own processes end with the driver or soon after it, some of them only after a minute in which they look for the
others. This program, a process of its own, waits until the driver has gone. It imports nothing but the standard
library, so that it starts in a moment.

python reaper.py FOLDER DRIVER
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

PATIENCE = 5.0  # seconds in which what still writes to a folder has to end


@contextmanager
def reaped(folder: Path) -> Iterator[None]:
    """However this process ends, no process that has files of a folder open outlives it, and no such folder."""
    with subprocess.Popen(
        [sys.executable, "-I", __file__, str(folder.resolve()), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # what ends a terminal's processes does not end this one
    ):
        yield


def reap(folder: Path, driver: int) -> None:
    """Kill the processes that have files of a folder open, all but the driver if it still lives, and remove it."""
    for process in _users(folder):
        with suppress(OSError):
            if process != driver:
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
    sys.stdin.buffer.read()  # ends with the process at the other end, or when that one says so
    reap(Path(sys.argv[1]), int(sys.argv[2]))
