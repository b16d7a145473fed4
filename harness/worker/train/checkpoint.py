"""Checkpoints that survive a kill at any moment: written atomically, verified by digest, the previous one kept."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from harness.errors import UserError, cause_of
from harness.files import locked
from harness.worker.result import AttemptSuperseded

CHECKPOINTS_KEPT = 2
OWNER_FILE = "owner"
DRIVER_FILE = "driver.json"  # in the folder of a suite's checkpoints: the last driver that has used it

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Owner:
    """Identifies the owner of a trial's checkpoints: an attempt, started by a driver."""

    checkpoints_id: str = ""  # random id of a suite's checkpoint folder, whose drivers are numbered as they start
    driver: int = 0
    attempt: int = 1  # of the trial

    def is_older_than(self, other: Owner) -> bool:
        """Return whether the other claim has followed this one; claims on different folders have no order."""
        return self.checkpoints_id == other.checkpoints_id and (self.driver, self.attempt) < (
            other.driver,
            other.attempt,
        )


def next_driver(folder: Path) -> Owner:
    """Return the claim of a new driver on a folder of checkpoints, newer than all before it.

    Raises:
        UserError: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            found = _read(folder / DRIVER_FILE)
            claim = Owner(str(found.get("checkpoints_id") or secrets.token_hex(8)), int(found.get("driver", 0)) + 1)
            content = {"checkpoints_id": claim.checkpoints_id, "driver": claim.driver}
            _replace(folder / DRIVER_FILE, content, secrets.token_hex(8))
    except OSError as error:
        raise UserError(
            f"the folder of checkpoints {folder} can't be written ({error.strerror}); make it writable or name another "
            f"one with --results."
        ) from error
    return claim


class Checkpoints:
    """The checkpoints of one trial, in a folder of its own.

    The process that has claimed the folder last owns it. An attempt that was given up but still runs can't write any
    more, nor claim the folder after its successor.
    """

    def __init__(self, folder: Path, claim: Owner = Owner()) -> None:  # it is frozen
        self.folder, self._claim = folder, claim
        self._token: str | None = None

    def claim(self) -> None:
        """Become the owner, and remove files that others have left half written.

        Raises:
            AttemptSuperseded: a later attempt, or one of a later driver, has claimed it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder):
            owner = _read(self.folder / OWNER_FILE)
            if "driver" in owner and self._claim.is_older_than(_claim_of(owner)):
                raise AttemptSuperseded("a later attempt has taken over this trial")
            self._token = secrets.token_hex(8)
            _replace(self.folder / OWNER_FILE, {**asdict(self._claim), "token": self._token}, self._token)
            for left in self.folder.glob("*.tmp"):
                left.unlink(missing_ok=True)

    def save(self, iteration: int, state: dict[str, Any]) -> None:
        """Write a state atomically.

        Raises:
            AttemptSuperseded: another process has claimed the folder.
            OSError: it can't be written, as on a full disk; nothing of it is left.
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
            with locked(self.folder):
                self._check_owner()
                os.replace(aside, path)
                os.replace(sealed, path.with_suffix(".json"))
        finally:
            aside.unlink(missing_ok=True)
            sealed.unlink(missing_ok=True)
        _sync(self.folder)
        for old in self._paths()[:-CHECKPOINTS_KEPT]:
            old.with_suffix(".json").unlink(missing_ok=True)
            old.unlink(missing_ok=True)

    def latest(self) -> dict[str, Any] | None:
        """Return the newest state that is complete and readable, or None."""
        return next(self.states(), None)

    def states(self) -> Iterator[dict[str, Any]]:
        """Yield the complete and readable states, the newest first; `weights_only`, so that no code in them can run."""
        for path in reversed(self._paths()):
            if not _is_whole(path):
                continue
            try:
                state = torch.load(path, map_location="cpu", weights_only=True)
            except (pickle.UnpicklingError, RuntimeError, ValueError, KeyError, EOFError, OSError) as error:
                log.warning("the checkpoint %s can't be read and is left out: %s", path, cause_of(error)[:500])
                continue
            if isinstance(state, dict):
                yield state

    def clear(self) -> None:
        """Remove all of the trial's checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_owner(self) -> None:
        if _read(self.folder / OWNER_FILE).get("token") != self._token:
            raise AttemptSuperseded("another process has taken over this trial")

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.pt")) if self.folder.is_dir() else []


def _is_whole(path: Path) -> bool:
    seal = _read(path.with_suffix(".json"))
    try:
        return path.stat().st_size == seal.get("bytes") and _sha256(path) == seal.get("sha256")
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any]:
    """Read a small JSON file; empty if there is none or it is damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _claim_of(owner: dict[str, Any]) -> Owner:
    return Owner(owner.get("checkpoints_id", ""), owner["driver"], owner["attempt"])


def _replace(path: Path, content: dict[str, Any], token: str) -> None:
    """Write a small JSON file atomically."""
    aside = path.with_name(f"{path.name}.{token}.tmp")
    aside.write_text(json.dumps(content))
    os.replace(aside, path)


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
