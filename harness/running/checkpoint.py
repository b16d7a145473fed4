"""Checkpoints that survive a kill at any moment: written aside, verified by digest, the previous one kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch

KEPT = 2


class Checkpoints:
    """The checkpoints of one trial, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, iteration: int, state: dict[str, Any]) -> None:
        """Write a state so that a reader finds either all of it or the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{iteration:010d}.pt"
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        with aside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        seal = {"sha256": _sha256(aside), "bytes": aside.stat().st_size}
        os.replace(aside, path)
        sealed = path.with_suffix(f".{os.getpid()}.json.tmp")
        sealed.write_text(json.dumps(seal))
        os.replace(sealed, path.with_suffix(".json"))
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

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.pt")) if self.folder.is_dir() else []


def _is_whole(path: Path) -> bool:
    try:
        seal = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return False
    return path.stat().st_size == seal.get("bytes") and _sha256(path) == seal.get("sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
