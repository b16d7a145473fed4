"""IDX, the file format of MNIST: a magic number, the sizes (big-endian), then the values.

Only unsigned bytes (type 0x08) occur in the datasets here.
"""

from __future__ import annotations

import math

import numpy as np

from harness.errors import UserError

UNSIGNED_BYTE = 0x08


def parse(content: bytes, *, where: str, dimensions: int) -> np.ndarray:
    """The array of an IDX file, uint8.

    Arguments:
        content: the whole file, uncompressed.
        where: what to call the file in an error.
        dimensions: 3 for images (n, height, width), 1 for labels (n,).

    Raises:
        UserError: the content is not IDX, holds something else than bytes, or is cut off.
    """
    header = 4 + 4 * dimensions
    if content[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]) or len(content) < header:
        raise UserError(
            f"{where} is not an IDX file of {dimensions} dimension(s) of unsigned bytes: it starts with "
            f"{content[:4].hex() or 'nothing'} in place of 000008{dimensions:02x}; get it anew."
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise UserError(f"{where} has {len(content):,} bytes, but its header promises {expected:,}; get it anew.")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def dump(values: np.ndarray) -> bytes:
    """The IDX file of a uint8 array."""
    if values.dtype != np.uint8:
        raise TypeError(f"IDX files here hold uint8, not {values.dtype}")
    header = bytes([0, 0, UNSIGNED_BYTE, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    return header + values.tobytes()
