"""The data folder on disk: whole files or none, one writer at a time, bounded reads, errors the user understands."""

from __future__ import annotations

import errno
import fcntl
import glob
import io
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from harness.errors import UserError
from harness.files import CANNOT_LOCK


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make the folder and turn what the operating system refuses inside the block into a UserError."""
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
    """Hold the folder against other processes that fetch into it, where its file system can do that.

    Files appear whole in any case (`write`), so that without a lock the same is at worst fetched twice.
    """
    with _lock_file(folder / ".lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that fetches into {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in CANNOT_LOCK:
                raise
            progress(f"the file system of {folder} has no locks ({error.strerror}): fetch from one process at a time")
        yield


def _lock_file(path: Path) -> BinaryIO:
    try:
        return open(path, "ab")
    except PermissionError:  # another user's, which may be held for reading all the same
        return open(path, "rb")


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """A regular file for reading; a device or a pipe of its name is refused and never waited for.

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
    """The first bytes of a regular file, one more than the limit at most, which shows that it is too long.

    Raises:
        OSError: as `opened` has it.
    """
    with opened(path) as file:
        return file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)


def write(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def rejected(path: Path) -> Path:
    """Where a file goes whose content is wrong: a name that nothing has yet, as the file may be the user's."""
    wanted = path.with_name(f"{path.name}.rejected")
    number = 1
    while wanted.exists() or wanted.is_symlink():
        number += 1
        wanted = path.with_name(f"{path.name}.rejected-{number}")
    return wanted


def keep_rejected(path: Path, content: bytes) -> Path:
    """Keep wrong content that came for a file, once, for the user to see; where it is kept."""
    for earlier in path.parent.glob(f"{glob.escape(path.name)}.rejected*"):
        if earlier.is_file() and read(earlier, len(content)) == content:
            return earlier
    kept = rejected(path)
    write(kept, content)
    return kept
