"""Images at given positions on a black canvas."""

from __future__ import annotations

import numpy as np


def place(images: np.ndarray, top: np.ndarray, left: np.ndarray, size: int) -> np.ndarray:
    """Place images (n, h, w) at row `top` and column `left`, both (n,), of a black canvas: (n, size, size).

    Offsets may be negative; pixels outside the canvas are dropped.
    """
    count, height, width = images.shape
    # One more row and column of zeros, which every index outside the image is mapped to.
    bordered = np.zeros((count, height + 1, width + 1), images.dtype)
    bordered[:, :height, :width] = images
    rows, columns = _source(size, top, height), _source(size, left, width)
    return bordered[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def bounds(images: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last row (axis 1) or column (axis 2) of each image that holds a non-zero pixel, both (n,)."""
    lit = np.asarray(images.any(axis=3 - axis))
    return lit.argmax(axis=1), lit.shape[1] - 1 - lit[:, ::-1].argmax(axis=1)


def _source(size: int, offset: np.ndarray, length: int) -> np.ndarray:
    index = np.arange(size) - offset[:, None]
    return np.where((index >= 0) & (index < length), index, length)
