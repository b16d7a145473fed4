"""Write the folder of figures: files of an earlier report are replaced or removed, files of the user's stay."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from harness.files import write_whole

MANIFEST = ".written.json"  # the SHA-256 of each file that the report has written, by name
MANIFEST_BYTES = 2**20  # at most
FIGURE_NAME = re.compile(r"[a-z0-9][a-z0-9=.-]*\.(pdf|png)")  # names that a report gives to its files


def replace_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, and remove those of an earlier call that are unchanged since; return the paths written.

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
    """The digests in the manifest, by file name. Whatever is not as this module writes it is ignored."""
    path = folder / MANIFEST
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MANIFEST_BYTES:
            return {}
        digests = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(digests, dict):
        return {}
    return {name: digest for name, digest in digests.items() if FIGURE_NAME.fullmatch(name) and isinstance(digest, str)}


def _is_unchanged(path: Path, digest: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest
