"""The private folder that an embedded Ray keeps its sockets and logs in, and those that dead runs have left.

Ray's sockets stand in this folder, and the path of a socket can't be long: batch systems often set a TMPDIR that is.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.engine.reaper import reaped, remove
from harness.errors import UserError

PREFIX = "harness-ray-"
OWNER = "owner"  # a file that the owner has locked while it lives
LONGEST = 39  # bytes of the folder's path; Ray adds up to 68 to it, and a socket's path has 107 at most
UNCLAIMED = 3600.0  # seconds after which a folder without the owner's file is nobody's


@contextmanager
def session() -> Iterator[Path]:
    """A folder that nobody else can read, with a short path; gone with all who use it when this process ends.

    Raises:
        UserError: there is no place for it.
    """
    folder = _make()
    with (folder / f"{OWNER}.new").open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        os.replace(owner.name, folder / OWNER)
        with reaped(folder):
            try:
                yield folder
            finally:
                remove(folder)


def stale() -> list[Path]:
    """The folders on this machine whose owners have ended without removing them."""
    found = [folder for place in _places() if place.is_dir() for folder in sorted(place.glob(f"{PREFIX}*"))]
    return [folder for folder in found if _is_ours(folder) and not _is_owned(folder)]


def _places() -> list[Path]:
    """Where such a folder may be, the user's own choice first."""
    chosen = [os.environ.get(name) for name in ("RAY_TMPDIR", "TMPDIR")]
    places = [*chosen, "/tmp", os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"]
    return list(dict.fromkeys(Path(place) for place in places if place and Path(place).is_absolute()))


def _make() -> Path:
    for place in _places():
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
            if len(os.fsencode(folder)) <= LONGEST:
                return folder
            folder.rmdir()
    told = ", ".join(map(str, _places()))
    raise UserError(
        f"Ray needs a folder for its sockets, with a path of up to {LONGEST} bytes, and none can be made in {told}; "
        f"set RAY_TMPDIR to a short one that you can write to."
    )


def _is_ours(folder: Path) -> bool:
    with suppress(OSError):
        return not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.getuid()
    return False


def _is_owned(folder: Path) -> bool:
    """Whether the process that made the folder lives."""
    try:
        with (folder / OWNER).open() as owner:
            fcntl.flock(owner, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return _age(folder) < UNCLAIMED
    except OSError:
        return True
    return False


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
