"""The folder of figures: what an earlier report has written there goes, what anybody else has put there stays."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from harness.files import write_whole

MANIFEST = ".written.json"  # the SHA-256 of each file that a report has written, by its name
LARGEST = 2**20  # bytes of a manifest
PLAIN = re.compile(r"[a-z0-9][a-z0-9=.-]*\.(pdf|png)")  # names that a report may have given


def replace_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files and remove what an earlier call has written there, unless somebody has changed it since.

    Raises:
        OSError: the folder can't be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in _written(folder).items():
        if name not in files and _is_unchanged(folder / name, digest):
            (folder / name).unlink()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    write_whole(folder / MANIFEST, json.dumps(digests, indent=1))
    for name, content in files.items():
        write_whole(folder / name, content)
    return [folder / name for name in files]


def _written(folder: Path) -> dict[str, str]:
    """What the manifest tells; it may have come from anywhere, and is believed only as far as it is plain."""
    path = folder / MANIFEST
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            return {}
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: digest for name, digest in told.items() if PLAIN.fullmatch(name) and isinstance(digest, str)}


def _is_unchanged(path: Path, digest: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest
