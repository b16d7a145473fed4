"""Checkpoints that survive a kill at any moment: written aside, verified by digest, the previous one kept."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import torch

KEPT = 2
OWNER = "owner"


class Superseded(Exception):
    """Another process has taken over the trial."""


class Checkpoints:
    """The checkpoints of one trial, in a folder of its own.

    The process that has claimed the folder last owns it: one that was thought dead and is not can't write any more.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._token: str | None = None

    def claim(self) -> None:
        """Become the owner, and remove what others have left half written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._token = secrets.token_hex(8)
        aside = self.folder / f"{OWNER}.{self._token}.tmp"
        aside.write_text(self._token)
        os.replace(aside, self.folder / OWNER)
        for left in self.folder.glob("*.tmp"):
            left.unlink(missing_ok=True)

    def save(self, iteration: int, state: dict[str, Any]) -> None:
        """Write a state so that a reader finds either all of it or the one before.

        Raises:
            Superseded: another process has claimed the folder.
            OSError: it can't be written, as on a full disk; nothing is left of it then.
        """
        if self._token is None:
            self.claim()
        path = self.folder / f"{iteration:010d}.pt"
        aside, sealed = path.with_suffix(f".{self._token}.tmp"), path.with_suffix(f".{self._token}.json.tmp")
        try:
            with aside.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            sealed.write_text(json.dumps({"sha256": _sha256(aside), "bytes": aside.stat().st_size}))
            self._check_owner()
            os.replace(aside, path)
            os.replace(sealed, path.with_suffix(".json"))
        finally:
            aside.unlink(missing_ok=True)
            sealed.unlink(missing_ok=True)
        _sync(self.folder)
        for old in self._paths()[:-KEPT]:
            old.with_suffix(".json").unlink(missing_ok=True)
            old.unlink(missing_ok=True)

    def latest(self) -> dict[str, Any] | None:
        """The newest state that is whole, or None. Loaded with weights only: no code in it can run."""
        for path in reversed(self._paths()):
            if _is_whole(path):
                state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
                return state
        return None

    def clear(self) -> None:
        """Remove all of the trial's checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_owner(self) -> None:
        try:
            owner = (self.folder / OWNER).read_text()
        except FileNotFoundError:
            owner = "nobody"
        if owner != self._token:
            raise Superseded("another process has taken over this trial")

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.pt")) if self.folder.is_dir() else []


def _is_whole(path: Path) -> bool:
    try:
        seal = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return False
    if not isinstance(seal, dict):
        return False
    return path.stat().st_size == seal.get("bytes") and _sha256(path) == seal.get("sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Make the names of a folder's files as durable as their contents."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
