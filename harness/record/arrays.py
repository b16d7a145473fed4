"""Write and read NumPy archives (.npz) with arrays of any name, within a limit of memory."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

MAX_ARRAY_BYTES = 2**30  # of all arrays of a file together
MAX_HEADER_CHARACTERS = 10_000
NUMBER_KINDS = "biuf"  # of dtypes: booleans, integers and floating point
SUFFIX = ".npy"


class Damaged(Exception):
    """A file of the record can't be read; the message says why."""


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write compressed arrays that `numpy.load` can read."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(name + SUFFIX, "w", force_zip64=True) as file:
                npy.write_array(file, np.asarray(array), allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of a file, once their headers have shown that they fit in memory.

    Raises:
        Damaged: the file is no .npz archive, holds something other than numbers, or more than `MAX_ARRAY_BYTES`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(SUFFIX)]
            total = 0
            for name in names:
                with archive.open(name) as file:
                    total += _bytes_of(file)
            if total > MAX_ARRAY_BYTES:
                raise Damaged(f"its arrays would take more than {MAX_ARRAY_BYTES >> 20} MiB")
            return {name.removesuffix(SUFFIX): _read(archive, name) for name in names}
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise Damaged(" ".join(str(error).split()) or type(error).__name__) from None


def _bytes_of(file: IO[bytes]) -> int:
    """Return the size of an array by its header."""
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, _, kind = npy.read_array_header_1_0(file, MAX_HEADER_CHARACTERS)
    elif version == (2, 0):
        shape, _, kind = npy.read_array_header_2_0(file, MAX_HEADER_CHARACTERS)
    else:
        raise ValueError(f"an array of the unknown format {version}")
    if kind.kind not in NUMBER_KINDS or min(shape, default=0) < 0:
        raise ValueError("an array of something else than numbers")
    return math.prod(shape) * kind.itemsize


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as file:
        return npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER_CHARACTERS)
