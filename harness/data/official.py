"""The official affNIST files (T. Tieleman): a MATLAB structure of 40×40 images, labels and transforms."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.dataset import Examples
from harness.errors import UserError

SIDE = 40


@dataclass(frozen=True)
class Official:
    """The content of one file.

    transforms: (k, n) float64 as the field `human_readable_transform` has them, or None where it is missing.
    """

    examples: Examples
    transforms: np.ndarray | None


def read(path: Path, count: int) -> Official:
    """The images (n, 40, 40) uint8, labels and transforms of a `.mat` file of `count` examples.

    Raises:
        UserError: the file is not what affNIST publishes.
    """
    try:
        fields = _structure(path)
        images, labels = np.asarray(fields["image"]), np.asarray(fields["label_int"]).reshape(-1)
        problem = _problem(images, labels, count)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        problem = str(error)
    if problem:
        raise UserError(
            f"{path} is not an affNIST file of {count:,} images ({problem}): "
            f"put the official one there, or remove it to use the rebuilt set."
        )
    square = np.ascontiguousarray(images.T).reshape(-1, SIDE, SIDE)
    return Official(Examples(square, labels.astype(np.uint8)), _transforms(fields, count))


def extract(archive: Path, name: str) -> bytes | None:
    """The content of a file, or of `name` in it where it is a zip archive; None if it is not to be had."""
    if not zipfile.is_zipfile(archive):
        return archive.read_bytes()
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = [member for member in opened.namelist() if Path(member).name == name]
            return opened.read(inside[0]) if inside else None
    except zipfile.BadZipFile:
        return None


def _structure(path: Path) -> Any:
    """The structure's fields by name."""
    from scipy.io import loadmat  # a second, so only where there is an official file
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path)["affNISTdata"][0, 0]
    except (MatReadError, NotImplementedError, OSError, zlib.error) as error:
        raise ValueError(str(error)) from error


def _problem(images: np.ndarray, labels: np.ndarray, count: int) -> str:
    """What is wrong with the arrays, empty if nothing is."""
    if images.dtype != np.uint8 or images.shape != (SIDE * SIDE, count):
        return f"its images are {images.dtype} {images.shape}, not uint8 ({SIDE * SIDE}, {count})"
    if labels.shape != (count,) or labels.min() < 0 or labels.max() > 9:
        return f"its labels are not {count} digits 0..9"
    return ""


def _transforms(fields: Any, count: int) -> np.ndarray | None:
    if "human_readable_transform" not in fields.dtype.names:
        return None
    transforms = np.asarray(fields["human_readable_transform"], dtype=np.float64)
    return transforms if transforms.ndim == 2 and transforms.shape[1] == count else None
