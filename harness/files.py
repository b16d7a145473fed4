"""Files: whole or not there, and locked as far as the file system can lock."""

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
    """Write a file so that whoever reads it finds the old one or the new one; what fails leaves nothing behind.

    Raises:
        OSError: it can't be written; the old one, if any, is as it was.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")  # two machines may have a process of the same number
    try:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, waits: bool = True, *, for_reading: bool = False) -> Iterator[bool]:
    """Hold the lock of a file, which is made if need be, or of a folder; it goes when its process does.

    Arguments:
        waits: for whoever holds it.
        for_reading: a file that can only be read, such as another user's, can be locked as well.

    Yields:
        Whether it is held: not so on a file system that knows no locks.

    Raises:
        BlockingIOError: somebody holds it, and it is not waited for.
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
