"""Atomic writes and file locks."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A file system without locks says so in one of these ways; EBADF is NFS's word on a folder.
CANNOT_LOCK = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF}


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file atomically: a reader finds the old content or the new one.

    Raises:
        OSError: it can't be written; the old file, if any, is unchanged, and no temporary file is left.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")  # unique on a shared file system, unlike a PID
    try:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, waits: bool = True, *, for_reading: bool = False) -> Iterator[bool]:
    """Hold an exclusive lock on a file, which is created if necessary, or on a folder; it ends with the process.

    Arguments:
        waits: whether to wait until the lock is free.
        for_reading: also lock a file that can only be read, such as another user's.

    Yields:
        Whether the lock is held; False on a file system without locks.

    Raises:
        BlockingIOError: another process holds it, and `waits` is False.
        OSError: the file can't be opened.
    """
    handle = _open(path, for_reading)
    try:
        yield _lock(handle, waits)
    finally:
        os.close(handle)


def _open(path: Path, for_reading: bool) -> int:
    if path.is_dir():
        return os.open(path, os.O_RDONLY)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if not for_reading:
            raise
        return os.open(path, os.O_RDONLY)


def _lock(handle: int, waits: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in CANNOT_LOCK:
            raise
        return False
    return True
