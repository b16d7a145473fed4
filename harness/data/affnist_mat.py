"""The official affNIST files (T. Tieleman): a MATLAB structure of 40×40 images, labels and transforms."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from harness.data import disk
from harness.data.dataset import Examples
from harness.data.errors import Damaged
from harness.errors import cause_of

SIDE = 40
NAME = "affNISTdata"
PER_IMAGE, BESIDES = 3 * SIDE * SIDE, 1 << 20  # bytes; an image with its label and transform takes about 1.2 · SIDE²
HEADER, COMPRESSED = 128, 15  # bytes of a MATLAB file's header, and the type of a compressed element
CHUNK = 1 << 20

# Of the 10,000 test images of MNIST, 0 to 9; each of them is in the official test set equally often.
TEST_COUNTS = np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
LIT = (0.03, 0.25)  # bounds of the mean share of non-zero pixels, which is about 0.1 for digits on this canvas
MIDDLE = slice(6, 34)  # rows and columns of an MNIST image that is only centred
MOVED = 0.1  # least share of images with a pixel outside the middle; of the transformed ones most have one


@dataclass(frozen=True)
class Official:
    """The content of one file.

    transforms: the field `human_readable_transform`, (k, n) float64, or None if it is missing.
    """

    examples: Examples
    transforms: np.ndarray | None


def read(path: Path, count: int) -> Official:
    """The images (n, 40, 40) uint8, labels and transforms of a `.mat` file of `count` examples.

    Raises:
        Damaged: the file does not have affNIST's layout.
    """
    try:
        fields = _structure(path, count)
        images, labels = np.asarray(fields["image"]), np.asarray(fields["label_int"]).reshape(-1)
        problem = _problem(images, labels, count)
        transforms = None if problem else _transforms(fields, count)
    except Exception as error:  # a file of another kind can make SciPy raise anything
        problem = cause_of(error)
    if problem:
        raise _refused(path, count, problem)
    square = np.ascontiguousarray(images.T).reshape(-1, SIDE, SIDE)
    return Official(Examples(square, labels.astype(np.uint8)), transforms)


def read_test_set(path: Path, count: int) -> Official:
    """Like `read`, for a file that is plausibly the transformed test set of affNIST.

    No digest of the published files is known, so the content is checked: each digit of MNIST's test set occurs equally
    often, as bright strokes on black, not always in the middle.

    Raises:
        Damaged: the file is another one, such as that of the digits that are only centred.
    """
    found = read(path, count)
    problem = _implausible(found.examples)
    if problem:
        raise _refused(path, count, problem)
    return found


def extract(archive: Path, name: str, limit: int) -> bytes | None:
    """The content of a file or, in a zip archive, of its member `name`; None if there is none or it is too large.

    The member is at the archive's top or in a folder `test_batches`.

    Arguments:
        limit: bytes, uncompressed.
    """
    try:
        if not zipfile.is_zipfile(archive):
            content = disk.read(archive, limit)
        else:
            with zipfile.ZipFile(archive) as opened:
                inside = [member for member in opened.infolist() if _is_test_batch(member.filename, name)]
                if not inside or inside[0].file_size > limit:
                    return None
                with opened.open(inside[0]) as file:
                    content = file.read(limit + 1)
    except Exception:  # a broken, locked or malicious archive can make zipfile raise anything
        return None
    return content if len(content) <= limit else None


def largest(count: int) -> int:
    """Upper bound of the uncompressed bytes of a file of `count` examples."""
    return BESIDES + count * PER_IMAGE


def _is_test_batch(member: str, name: str) -> bool:
    *folders, last = PurePosixPath(member).parts
    return last == name and (not folders or folders[-1] == "test_batches") and "just_centered" not in folders


def _refused(path: Path, count: int, problem: str) -> Damaged:
    return Damaged(
        f"{path} is not an affNIST file of {count:,} images ({problem}): "
        f"put the official one there, or remove it to use the rebuilt set."
    )


def _structure(path: Path, count: int) -> Any:
    """The fields of the MATLAB structure, by name."""
    from scipy.io import loadmat, whosmat  # takes a second: imported only where there is an official file

    with disk.opened(path) as file:
        _check_size(file, largest(count))
        file.seek(0)
        if (NAME, (1, 1), "struct") not in whosmat(file):
            raise KeyError(NAME)
        file.seek(0)
        return loadmat(file, variable_names=[NAME])[NAME][0, 0]


def _check_size(file: BinaryIO, limit: int) -> None:
    """Raise ValueError for a MATLAB file whose elements, uncompressed, take more bytes than the limit."""
    total = 0
    for size in _sizes(file):
        total += size
        if total > limit:
            raise ValueError(f"it has more than the {limit:,} bytes that such a file can have")


def _sizes(file: BinaryIO) -> Iterator[int]:
    """Sizes in bytes: of the MATLAB file, then of each uncompressed piece of its compressed elements."""
    yield file.seek(0, 2)
    file.seek(HEADER - 2)
    order = ">" if file.read(2) == b"MI" else "<"
    while len(tag := file.read(8)) == 8:
        kind, size = struct.unpack(f"{order}II", tag)
        if kind == COMPRESSED:
            yield from _inflated(file, size)
        else:
            file.seek(size, 1)


def _inflated(file: BinaryIO, size: int) -> Iterator[int]:
    """Sizes of the uncompressed pieces of the next `size` compressed bytes."""
    inflate = zlib.decompressobj()
    while size > 0 and (piece := file.read(min(size, CHUNK))):
        size -= len(piece)
        while piece:
            yield len(inflate.decompress(piece, CHUNK))
            piece = inflate.unconsumed_tail


def _problem(images: np.ndarray, labels: np.ndarray, count: int) -> str:
    """What is wrong with the arrays; empty if nothing is."""
    if images.dtype != np.uint8 or images.shape != (SIDE * SIDE, count):
        return f"its images are {images.dtype} {images.shape}, not uint8 ({SIDE * SIDE}, {count})"
    if labels.dtype.kind not in "iuf" or labels.shape != (count,) or not np.isin(labels, np.arange(10)).all():
        return f"its labels are not {count} digits 0..9"
    return ""


def _implausible(examples: Examples) -> str:
    """Why these examples cannot be affNIST's transformed test set; empty if they can."""
    total = TEST_COUNTS.sum()
    counts = np.bincount(examples.labels, minlength=10)
    if not np.array_equal(counts * total, TEST_COUNTS * len(examples)):
        return "its labels are not those of MNIST's test set, each equally often"
    lit = examples.images[:total] > 0
    if not LIT[0] <= lit.mean() <= LIT[1] or not lit.any(axis=(1, 2)).all():
        return "its images are not digits on black"
    lit[:, MIDDLE, MIDDLE] = False
    if lit.any(axis=(1, 2)).mean() < MOVED:
        return "its digits stand in the middle, as in 'just_centered', which is another set than 'transformed'"
    return ""


def _transforms(fields: Any, count: int) -> np.ndarray | None:
    if "human_readable_transform" not in fields.dtype.names:
        return None
    transforms = np.asarray(fields["human_readable_transform"], dtype=np.float64)
    return transforms if transforms.ndim == 2 and transforms.shape[1] == count else None
