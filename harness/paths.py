"""Paths as a person writes them."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError


def expanded(path: str | Path) -> Path:
    """A path whose `~` is the home folder.

    Raises:
        UserError: no home folder is known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{path}: no home folder is known for its '~'; set HOME or write the whole path.") from None
