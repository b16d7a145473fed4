"""SHA-256 of large files, cached within a process so that each of its plans need not read them again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.data import disk

State = tuple[int, ...]

_cache: dict[Path, tuple[State, str]] = {}


def cached_sha256(path: Path) -> str:
    """The file's SHA-256, from the cache while the file system reports no change of the file.

    Raises:
        OSError: it is not there, not a regular file, or can't be read.
    """
    with disk.opened(path) as file:
        state = _state(file.fileno())
    cached = _cache.get(path.absolute())
    return cached[1] if cached is not None and cached[0] == state else fresh_sha256(path)


def fresh_sha256(path: Path) -> str:
    """The SHA-256 of what the file holds now, which the cache then has.

    Raises:
        OSError: as in `cached_sha256`.
    """
    with disk.opened(path) as file:
        state = _state(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _cache[path.absolute()] = (state, digest)
    return digest


def _state(descriptor: int) -> State:
    """What a change of the file changes; the last of the times, unlike the first, cannot be set back by a user."""
    stat = os.fstat(descriptor)
    return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
