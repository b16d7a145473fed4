"""Kill the processes of an embedded Ray, and remove its folder, when its driver was killed and could not.

Some of Ray's processes outlive a killed driver by up to a minute. This program runs as a separate process that waits
for the driver to end. It imports only the standard library, to start fast.

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

REMOVAL_TIMEOUT_SECONDS = 5.0  # processes that still write to the folder have to end within it


@contextmanager
def reaped(folder: Path) -> Iterator[None]:
    """Start a reaper: when this process ends, in whatever way, it kills all processes with open files in a folder and
    removes the folder."""
    with subprocess.Popen(
        [sys.executable, "-I", __file__, str(folder.resolve()), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # signals to the terminal's process group do not reach it
    ):
        yield


def reap(folder: Path, driver: int) -> None:
    """Kill the processes with open files in a folder, except a driver that is still alive, and remove the folder."""
    for process in _users(folder):
        with suppress(OSError):
            if process != driver:
                os.kill(process, signal.SIGKILL)
    remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder; try again for a while, since a process that is ending may still write to it."""
    limit = time.monotonic() + REMOVAL_TIMEOUT_SECONDS
    while folder.exists() and time.monotonic() < limit:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


def _users(folder: Path) -> list[int]:
    processes = [path for path in Path("/proc").iterdir() if path.name.isdecimal() and int(path.name) != os.getpid()]
    return [int(process.name) for process in processes if any(file.is_relative_to(folder) for file in _files(process))]


def _files(process: Path) -> list[Path]:
    """Return the open files of a process that this one has permission to see."""
    found = []
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                found.append(link.readlink())
    return found


if __name__ == "__main__":
    sys.stdin.buffer.read()  # returns when the driver closes the pipe or ends
    reap(Path(sys.argv[1]), int(sys.argv[2]))
