"""Expand and check paths that a user has given."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError


def expanded(path: str | Path) -> Path:
    """Return a path with `~` replaced by the home folder.

    Raises:
        UserError: no home folder is known.
    """
    if not str(path).startswith("~"):  # such as ./~, which is a folder of that name
        return Path(path)
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{path}: no home folder is known for its '~'; set HOME or write the whole path.") from None


def require_home() -> None:
    """Check that there is a home folder, which MLflow looks up when it is imported.

    Raises:
        UserError: none is known.
    """
    try:
        Path.home()
    except RuntimeError:
        raise UserError("no home folder is known, which MLflow needs; set HOME to a folder of yours.") from None


def usable(path: str | Path) -> Path:
    """Return a path with `~` expanded, after checking that it is a valid name; it need not exist.

    Raises:
        UserError: no home folder is known, or the file system can't have such a name.
    """
    found = expanded(path)
    try:
        str(found).encode()
        found.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except UnicodeEncodeError:
        raise UserError(f"{str(path)[:80]!r} is no usable path (not text in this locale); name another one.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{str(path)[:80]!r} is no usable path ({reason}); name another one.") from None
    return found
