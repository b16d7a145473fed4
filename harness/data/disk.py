"""The data folder on disk: one writer at a time, reads of limited size, wrong files kept aside, errors for people."""

from __future__ import annotations

import errno
import glob
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness import files
from harness.errors import UserError
from harness.files import write_whole


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make the folder, and turn an OSError raised inside the block into a UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"the data folder {folder} cannot be written ({reason}): "
            f"choose another one with --data-dir or the environment variable HARNESS_DATA."
        ) from error


@contextmanager
def locked(folder: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Hold the folder's lock against other processes that fetch into it.

    A file system without locks is reported to `progress` and used: files are written whole, so that two processes
    fetch the same files twice at worst.
    """
    path = folder / ".lock"
    with ExitStack() as stack:
        try:
            is_held = stack.enter_context(files.locked(path, waits=False, for_reading=True))
        except BlockingIOError:
            progress(f"waiting for another process that fetches into {folder}")
            is_held = stack.enter_context(files.locked(path, for_reading=True))
        if not is_held:
            progress(f"the file system of {folder} has no locks: fetch from one process at a time")
        yield


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """Open a regular file for reading; a device or a pipe is refused and never waited for.

    Raises:
        OSError: it is not there, not a regular file, or can't be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with open(descriptor, "rb") as file:
        yield file


def read(path: Path, limit: int) -> bytes:
    """Read at most `limit` + 1 bytes of a regular file; the extra byte shows that it is too long.

    Raises:
        OSError: as in `opened`.
    """
    with opened(path) as file:
        return file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)


def rejected(path: Path) -> Path:
    """A free name for a file with wrong content, which may be the user's own: NAME.rejected, NAME.rejected-2, …"""
    wanted = path.with_name(f"{path.name}.rejected")
    number = 1
    while wanted.exists() or wanted.is_symlink():
        number += 1
        wanted = path.with_name(f"{path.name}.rejected-{number}")
    return wanted


def keep_rejected(path: Path, content: bytes) -> Path:
    """Keep wrong content that was downloaded for a file, once, for the user to inspect; returns where it is kept."""
    for earlier in path.parent.glob(f"{glob.escape(path.name)}.rejected*"):
        if earlier.is_file() and read(earlier, len(content)) == content:
            return earlier
    kept = rejected(path)
    write_whole(kept, content)
    return kept
