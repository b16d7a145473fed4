"""A deterministic stand-in for affNIST: MNIST test digits, each under one random affine transform, on 40×40.

The ranges are those of affNIST (T. Tieleman, www.cs.toronto.edu/~tijmen/affNIST) from memory, not checked against its
files: rotation ±20°, shear ±0.2, horizontal and vertical scale 0.8..1.2, translation over all positions that keep every
non-zero pixel on the canvas; all uniform and independent. The rest is chosen here: a digit is scaled, then sheared,
then rotated about the middle of its bounding box, sampled bilinearly, and then moved by whole pixels.

The bytes are the same on every machine: the only operations are + - × ÷ and floor on float64, element by element, which
do not depend on a mathematical library, on threads or on the order of a sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.data.placement import bounds, place
from harness.data.rng import Stream

VERSION = 1  # raised with every change of the bytes
SEED = 0
CANVAS = 40
ROTATION = 0.3490658503988659  # 20° in radians
SHEAR = 0.2
SCALE = (0.8, 1.2)
CHUNK = 500  # images at a time, so that the float64 grids stay in the cache


@dataclass(frozen=True)
class Transforms:
    """One transform per image, every field (n,) float64.

    rotation: counter-clockwise as displayed, radians.
    shear: columns per row.
    scale_x, scale_y: 1 keeps the size.
    """

    rotation: np.ndarray
    shear: np.ndarray
    scale_x: np.ndarray
    scale_y: np.ndarray

    def part(self, where: slice) -> Transforms:
        return Transforms(self.rotation[where], self.shear[where], self.scale_x[where], self.scale_y[where])


def draw(count: int) -> Transforms:
    """The transforms of the rebuilt test set, without the translations."""

    def uniform(what: str, low: float, high: float) -> np.ndarray:
        return low + (high - low) * Stream("affnist", VERSION, SEED, what).uniform(count)

    return Transforms(
        rotation=uniform("rotation", -ROTATION, ROTATION),
        shear=uniform("shear", -SHEAR, SHEAR),
        scale_x=uniform("scale_x", *SCALE),
        scale_y=uniform("scale_y", *SCALE),
    )


def rebuild(images: np.ndarray) -> np.ndarray:
    """Apply the transforms of `draw` to digits (n, 28, 28) uint8, at random positions: (n, 40, 40) uint8."""
    transforms = draw(len(images))
    parts = (slice(start, start + CHUNK) for start in range(0, len(images), CHUNK))
    drawn = np.concatenate([transformed(images[part], transforms.part(part)) for part in parts])
    top, left = (_translation(drawn, axis, what) for axis, what in ((1, "top"), (2, "left")))
    return place(drawn, top, left, CANVAS)


def transformed(images: np.ndarray, transforms: Transforms) -> np.ndarray:
    """Transform digits, in the middle of the canvas: (n, h, w) uint8 to (n, 40, 40) uint8.

    A digit of at most 20×20 pixels, as all of MNIST are, fits on the canvas under every transform.
    """
    middle = (CANVAS - 1) / 2
    across = (np.arange(CANVAS) - middle)[None, None, :]  # from the middle, in pixels
    down = (np.arange(CANVAS) - middle)[None, :, None]
    sine, cosine = _sine(transforms.rotation), _cosine(transforms.rotation)
    shear, scale_x, scale_y = transforms.shear, transforms.scale_x, transforms.scale_y
    (first_row, last_row), (first_column, last_column) = bounds(images, 1), bounds(images, 2)

    def grid(per_column: np.ndarray, per_row: np.ndarray, origin: np.ndarray) -> np.ndarray:
        column = per_column[:, None, None] * across + origin[:, None, None]
        return column + per_row[:, None, None] * down

    # The inverse map, from the canvas to the digit. Rows count downwards, so the inverse of a rotation that is
    # counter-clockwise as displayed is (cos, -sin; sin, cos); then the inverse of the shear, then that of the scale.
    x = grid(
        (cosine - shear * sine) / scale_x,
        (0.0 - sine - shear * cosine) / scale_x,
        (first_column + last_column) * 0.5,
    )
    y = grid(sine / scale_y, cosine / scale_y, (first_row + last_row) * 0.5)
    return np.floor(_bilinear(images, y, x) + 0.5).astype(np.uint8)


def _translation(drawn: np.ndarray, axis: int, what: str) -> np.ndarray:
    """Translation of each image, (n,) int64, uniform over those that keep its non-zero pixels on the canvas."""
    first, last = bounds(drawn, axis)
    room = CANVAS - (last - first)  # positions that the first lit row or column can take
    return Stream("affnist", VERSION, SEED, what).below(room, len(drawn)) - first


def _bilinear(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Bilinear samples of images (n, h, w) at rows y and columns x, both (n, H, W); zero outside."""
    count, height, width = images.shape
    bordered = np.zeros((count, height + 3, width + 3))  # one pixel before, two after
    bordered[:, 1 : height + 1, 1 : width + 1] = images
    y, x = np.clip(y, -1.0, float(height)), np.clip(x, -1.0, float(width))
    row, column = np.floor(y), np.floor(x)
    below, right = y - row, x - column
    line = width + 3
    start = np.arange(count)[:, None, None] * ((height + 3) * line)
    index = start + (row.astype(np.int64) + 1) * line + column.astype(np.int64) + 1
    values = bordered.reshape(-1)
    upper = (1.0 - right) * values[index] + right * values[index + 1]
    lower = (1.0 - right) * values[index + line] + right * values[index + line + 1]
    return (1.0 - below) * upper + below * lower


def _sine(angle: np.ndarray) -> np.ndarray:
    """By its Taylor series, accurate to the last bits for |angle| ≤ 20°."""
    return angle * _series(angle * angle, range(15, 1, -2))


def _cosine(angle: np.ndarray) -> np.ndarray:
    """By its Taylor series, accurate to the last bits for |angle| ≤ 20°."""
    return _series(angle * angle, range(14, 0, -2))


def _series(square: np.ndarray, orders: range) -> np.ndarray:
    """1 - x²/(n(n-1)) · (1 - ...), evaluated from the highest order (Horner)."""
    total = np.ones_like(square)
    for order in orders:
        total = 1.0 - square / float(order * (order - 1)) * total
    return total
