"""The private temporary folder of an embedded Ray, and those that killed runs have left behind.

It holds Ray's Unix sockets, whose paths have a length limit that the TMPDIR of a batch system often exceeds.
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
OWNER_FILE = "owner"  # locked by the process that made the folder, as long as it lives
MAX_PATH_BYTES = 39  # of the folder's path: Ray appends up to 68, and a socket's path has 107 at most
UNOWNED_SECONDS = 3600.0  # after which a folder without an owner file counts as abandoned


@contextmanager
def session() -> Iterator[Path]:
    """Make a private folder with a short path; it is removed on exit, or by the reaper if this process is killed.

    Raises:
        UserError: none of the candidate folders can be used.
    """
    folder = _make()
    with (folder / f"{OWNER_FILE}.new").open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        os.replace(owner.name, folder / OWNER_FILE)
        with reaped(folder):
            try:
                yield folder
            finally:
                remove(folder)


def stale() -> list[Path]:
    """Return the folders on this machine whose owners have ended without removing them."""
    found = [folder for place in _places() if place.is_dir() for folder in sorted(place.glob(f"{PREFIX}*"))]
    return [folder for folder in found if _is_ours(folder) and not _is_owned(folder)]


def _places() -> list[Path]:
    """Return the parent folders to try, those that the user has set first."""
    chosen = [os.environ.get(name) for name in ("RAY_TMPDIR", "TMPDIR")]
    places = [*chosen, "/tmp", os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"]
    return list(dict.fromkeys(Path(place) for place in places if place and Path(place).is_absolute()))


def _make() -> Path:
    for place in _places():
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
            if len(os.fsencode(folder)) <= MAX_PATH_BYTES:
                return folder
            folder.rmdir()
    places = ", ".join(map(str, _places()))
    raise UserError(
        f"Ray needs a folder for its sockets, with a path of up to {MAX_PATH_BYTES} bytes, and none can be made in "
        f"{places}; "
        f"set RAY_TMPDIR to a short one that you can write to."
    )


def _is_ours(folder: Path) -> bool:
    with suppress(OSError):
        return not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.getuid()
    return False


def _is_owned(folder: Path) -> bool:
    """Return whether the process that made the folder is alive."""
    try:
        with (folder / OWNER_FILE).open() as owner:
            fcntl.flock(owner, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return _age(folder) < UNOWNED_SECONDS
    except OSError:
        return True
    return False


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
