"""IDX, the file format of MNIST: a magic number, the sizes (big-endian), then the values.

Images are unsigned bytes (type 0x08), and so are labels of up to 256 classes; labels of more classes are shorts or
ints (0x0B, 0x0C).
"""

from __future__ import annotations

import math

import numpy as np

from harness.data.errors import Damaged

UNSIGNED_BYTE = 0x08
TYPES = {UNSIGNED_BYTE: ">u1", 0x0B: ">i2", 0x0C: ">i4"}


def parse(content: bytes, *, where: str, dimensions: int) -> np.ndarray:
    """The array of an IDX file: uint8, or int16 or int32 where it holds labels in that width.

    Arguments:
        content: the whole file, uncompressed.
        where: name of the file in an error.
        dimensions: 3 for images (n, height, width), 1 for labels (n,).

    Raises:
        Damaged: the content is not IDX, has another number of dimensions or type, or is cut off.
    """
    header = 4 + 4 * dimensions
    types = TYPES if dimensions == 1 else {UNSIGNED_BYTE: TYPES[UNSIGNED_BYTE]}
    starts = {bytes([0, 0, code, dimensions]): np.dtype(kind) for code, kind in types.items()}
    if content[:4] not in starts or len(content) < header:
        raise Damaged(
            f"{where} is not an IDX file of {dimensions} dimension(s) of unsigned bytes: it starts with "
            f"{content[:4].hex() or 'nothing'} in place of {' or '.join(start.hex() for start in starts)}; download it "
            f"again."
        )
    kind = starts[content[:4]]
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    expected = header + kind.itemsize * math.prod(shape)
    if len(content) != expected:
        raise Damaged(f"{where} has {len(content):,} bytes, but its header promises {expected:,}; download it again.")
    return np.frombuffer(content, kind, offset=header).reshape(shape).astype(kind.newbyteorder("="), copy=False)


def dump(values: np.ndarray) -> bytes:
    """The IDX file of an array of uint8, or of labels in int16 or int32.

    Raises:
        TypeError: another dtype.
    """
    codes = {np.dtype(kind).newbyteorder("="): (code, kind) for code, kind in TYPES.items()}
    if values.dtype not in codes:
        raise TypeError(f"IDX files here hold uint8, int16 or int32, not {values.dtype}")
    code, kind = codes[values.dtype]
    header = bytes([0, 0, code, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    return header + values.astype(kind).tobytes()
