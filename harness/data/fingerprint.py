"""SHA-256 of large files, remembered beside them so that a plan does not read them again."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from harness.data import store

SIDECAR = "digests.json"


def sha256_of(path: Path) -> str:
    """The file's SHA-256; remembered for as long as its size and time of change stay the same."""
    stat = path.stat()
    state = [stat.st_size, stat.st_mtime_ns]
    sidecar = path.parent / SIDECAR
    known = _read(sidecar)
    entry = known.get(path.name)
    if isinstance(entry, dict) and entry.get("state") == state and isinstance(entry.get("sha256"), str):
        return str(entry["sha256"])
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    known[path.name] = {"state": state, "sha256": digest}
    with contextlib.suppress(OSError):  # in a folder that is only readable the next plan computes it again
        store.write(sidecar, json.dumps(known, indent=1).encode())
    return digest


def _read(sidecar: Path) -> dict[str, object]:
    try:
        known = json.loads(sidecar.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
