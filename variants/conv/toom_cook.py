"""The matrices A, B and E of a bilinear algorithm for the convolution of blocks: y = Eᵀ [(A x) ⊙ (B w)].

A product of polynomials with n coefficients is determined by its values at n points (Toom, Cook; Winograd 1980). The
transposed algorithm computes a correlation: E and B evaluate the polynomials of output and kernel, and A is the
transpose of interpolation. The points are 0, ∞ and the roots of unity of order n − 2: 0 and ∞ cost one real product
each, and roots of unity keep the rounding errors small. Of a pair of complex conjugate points one is enough, and its
complex product takes three real ones.

In two dimensions the points are pairs, and every matrix has two factors, along the rows and along the columns of the
block. With the point as first and the channel as last dimension, each factor is a matrix product without a transpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from variants.conv.tiling import complex_points, real_points

# Three real products m with Σ m = Re(x w y): the coefficients of the real and the imaginary part of x, w and y in them.
_SUMS = np.array([[1, 0], [0, 1], [1, 1]])
_OUTPUT = np.array([[1, 1], [-1, 1], [0, -1]])


@dataclass(frozen=True)
class Transform:
    """One of the matrices A, B and E, as two factors.

    outer: (n, height), evaluates the columns of a block: `reals` real points, then pairs of real and imaginary part.
    real: (factors, width), evaluates a real row.
    pair: (factors, 2 · width), evaluates a complex row, given as its real part followed by its imaginary part.
    """

    outer: Tensor
    real: Tensor
    pair: Tensor
    reals: int

    def __call__(self, matrix: Tensor) -> Tensor:
        """Transform the columns of a matrix: (height · width, n) to (bins, n)."""
        columns, width = matrix.shape[1], self.real.shape[1]
        lines = (self.outer @ matrix.view(self.outer.shape[1], -1)).view(-1, columns)
        result = matrix.new_empty(self.bins, columns)
        for inner, line, part in self._parts(lines, result, width):
            torch.mm(inner, line, out=part)  # not batched: a batched product uses fewer threads
        return result

    def adjoint(self, tensor: Tensor) -> Tensor:
        """The transposed transform, (bins, n) to (height · width, n)."""
        columns, width = tensor.shape[1], self.real.shape[1]
        lines = tensor.new_empty(len(self.outer) * width, columns)
        for inner, line, part in self._parts(lines, tensor, width):
            torch.mm(inner.t(), part, out=line)
        return (self.outer.t() @ lines.view(len(self.outer), -1)).view(-1, columns)

    @property
    def bins(self) -> int:
        """Real products of a block."""
        return self.reals * len(self.real) + (len(self.outer) - self.reals) // 2 * len(self.pair)

    def _parts(self, lines: Tensor, bins: Tensor, width: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Each inner factor with the rows of `lines` that it reads and the bins that it computes."""
        pairs = (len(self.outer) - self.reals) // 2
        inners = [self.real] * self.reals + [self.pair] * pairs
        sizes = [width] * self.reals + [2 * width] * pairs
        return list(zip(inners, lines.split(sizes), bins.split([len(inner) for inner in inners]), strict=True))


@dataclass(frozen=True)
class Bilinear:
    """The transforms A of the image, B of the kernel and E of the output."""

    image: Transform
    kernel: Transform
    output: Transform

    @property
    def bins(self) -> int:
        """Real products of a block: the batch of the matrix products over channels."""
        return self.image.bins


@lru_cache(maxsize=64)
def bilinear(taps: int, height: int, width: int, device: torch.device) -> Bilinear:
    """The transforms of blocks of height × width outputs, computed in float64 and rounded once to float32."""
    high, wide = height + taps - 1, width + taps - 1
    reals = (real_points(high), real_points(wide))
    # factor 2: a complex value stands for its conjugate as well
    image = _transform(_interpolation(high), _interpolation(wide), reals, 2 * _SUMS, device)
    kernel = _transform(_evaluation(taps, high), _evaluation(taps, wide), reals, _SUMS, device)
    output = _transform(_evaluation(height, high), _evaluation(width, wide), reals, _OUTPUT, device)
    return Bilinear(image, kernel, output)


def _evaluation(size: int, n: int) -> np.ndarray:
    """Values of the monomials of degree < size at n points, one of each conjugate pair: (points, size) complex."""
    ends = [np.eye(size)[0], np.eye(size)[-1]][: min(n, 2)]  # at 0 and at ∞
    order = n - 2
    # 1, then −1 if it is a root, then one of each conjugate pair
    real = [1.0 + 0j, -1.0 + 0j][: real_points(n) - len(ends)]
    pairs = [np.exp(2j * math.pi * k / order) for k in range(1, 1 + complex_points(n))]
    return np.array([*ends, *(root ** np.arange(size) for root in (*real, *pairs))], dtype=complex)


def _interpolation(n: int) -> np.ndarray:
    """The inverse of evaluation at all n points, transposed; one of each conjugate pair: (points, n) complex."""
    values, reals = _evaluation(n, n), real_points(n)
    return np.linalg.inv(np.concatenate([values, values[reals:].conj()])).T[: len(values)]


def _transform(
    rows: np.ndarray, columns: np.ndarray, reals: tuple[int, int], form: np.ndarray, device: torch.device
) -> Transform:
    """The factors that evaluate at all pairs of a point of the rows and a point of the columns.

    Arguments:
        rows, columns: (points, size), the real points first.
        reals: number of real points in each.
        form: (3, 2), coefficients of a value's real and imaginary part in the three products of a complex value.
    """
    down, across = reals
    outer = [*rows[:down].real, *(part for row in rows[down:] for part in (row.real, row.imag))]
    real = [*columns[:across].real]
    for column in columns[across:]:
        real += [*(form @ np.stack([column.real, column.imag]))]
    pair = []
    conjugates = [each for column in columns[across:] for each in (column, column.conj())]
    for column in [*columns[:across], *conjugates]:
        real_part, imaginary_part = np.append(column.real, -column.imag), np.append(column.imag, column.real)
        pair += [*(form @ np.stack([real_part, imaginary_part]))]
    size = columns.shape[1]

    def rounded(matrix: list[np.ndarray], width: int) -> Tensor:
        return torch.tensor(np.array(matrix).reshape(-1, width), dtype=torch.float32, device=device)

    return Transform(rounded(outer, rows.shape[1]), rounded(real, size), rounded(pair, 2 * size), down)
