"""SHA-256 of large files, remembered within a process so that its plans do not read them again and again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.data import store

State = tuple[int, ...]

_known: dict[Path, tuple[State, str]] = {}


def sha256_of(path: Path) -> str:
    """The file's SHA-256; remembered for as long as the file system knows of no change.

    Raises:
        OSError: it is not there, not a regular file, or can't be read.
    """
    with store.opened(path) as file:
        state = _state(file.fileno())
    known = _known.get(path.absolute())
    return known[1] if known is not None and known[0] == state else computed(path)


def computed(path: Path) -> str:
    """The file's SHA-256, computed from what it holds now, and remembered.

    Raises:
        OSError: as `sha256_of` has it.
    """
    with store.opened(path) as file:
        state = _state(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _known[path.absolute()] = (state, digest)
    return digest


def _state(descriptor: int) -> State:
    """What a change leaves; the last of these times is the system's own and can't be set back."""
    stat = os.fstat(descriptor)
    return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
