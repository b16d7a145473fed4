"""Files with known digests: a file of a dataset is read only if the SHA-256 of its bytes is the expected one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.data import disk
from harness.data.errors import Damaged, Missing
from harness.errors import UserError


@dataclass(frozen=True)
class IdxFile:
    """One file of a dataset.

    name: in the data folder, where it lies uncompressed.
    size: bytes, uncompressed.
    sha256: of the uncompressed bytes, since the same data are compressed differently by different sources.
    """

    name: str
    size: int
    sha256: str

    def has(self, content: bytes) -> bool:
        """Whether these uncompressed bytes are the file's."""
        return hashlib.sha256(content).hexdigest() == self.sha256


def verified(folder: Path, file: IdxFile) -> bytes | None:
    """The file's content if it is in the folder and its digest is right, else None.

    Raises:
        Damaged: it is there and can't be read.
    """
    try:
        content = disk.read(folder / file.name, file.size)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(
            f"{folder / file.name} cannot be read ({error.strerror}): fix it or choose another data folder."
        ) from error
    return content if file.has(content) else None


def required(folder: Path, file: IdxFile, dataset: str) -> bytes:
    """The file's content.

    Raises:
        Missing, Damaged: the message says how to fetch the dataset.
    """
    content = verified(folder, file)
    if content is not None:
        return content
    remedy = f"run `python -m harness data fetch {dataset}`"
    if (folder / file.name).exists():
        raise Damaged(f"{folder / file.name} is damaged, as it has a wrong SHA-256: {remedy}.")
    raise Missing(f"{folder / file.name} is missing: {remedy}.")


def missing(folder: Path, files: Sequence[IdxFile]) -> list[IdxFile]:
    """The files that are not in the folder or are damaged."""
    return [file for file in files if verified(folder, file) is None]


def confirmed(content: bytes, file: IdxFile) -> bytes:
    """Content that was computed here, if its digest is the file's.

    Raises:
        UserError: the computation gave other bytes on this machine.
    """
    if not file.has(content):
        raise UserError(
            f"{file.name} comes out differently on this machine with NumPy {np.__version__}, and its results "
            f"could not be compared with those of others: use another version of NumPy."
        )
    return content
