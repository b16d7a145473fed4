"""Tiling of a convolution: phases of a stride, overlapping blocks of the image, and the cost of a block size.

Matrices have one row for each point of a block, and the channel is the last dimension, so that copies are contiguous.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

PIECE = 512 * 2**20  # bytes; a batch whose transformed images and products are larger is split into pieces
LARGEST_TILE = 32


@dataclass(frozen=True)
class Shape:
    """A convolution: images (batch, channels, height, width), square kernels, stride and zero padding."""

    batch: int
    channels: int
    height: int
    width: int
    outputs: int
    kernel: int
    stride: int
    padding: int

    @property
    def rows(self) -> int:
        """Height of the output."""
        return (self.height + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def columns(self) -> int:
        """Width of the output."""
        return (self.width + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def taps(self) -> int:
        """Taps of one phase of the kernel, along one axis."""
        return -(-self.kernel // self.stride)

    @property
    def depth(self) -> int:
        """Inner dimension of the matrix products: channels × phases."""
        return self.channels * self.stride**2


@dataclass(frozen=True)
class Block:
    """The outputs that are computed together: height × width."""

    height: int
    width: int


@dataclass(frozen=True)
class Plan:
    """The blocks of a convolution: down × across for each image, `piece` images at a time."""

    shape: Shape
    block: Block
    piece: int

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the input of a block, for one phase."""
        reach = self.shape.taps - 1
        return self.block.height + reach, self.block.width + reach

    @property
    def down(self) -> int:
        """Blocks in a column of the output."""
        return -(-self.shape.rows // self.block.height)

    @property
    def across(self) -> int:
        """Blocks in a row of the output."""
        return -(-self.shape.columns // self.block.width)

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width of the padded image that the blocks read."""
        reach, s = self.shape.taps - 1, self.shape.stride
        return s * (self.down * self.block.height + reach), s * (self.across * self.block.width + reach)

    @property
    def blocks(self) -> int:
        """Blocks of the whole batch."""
        return self.shape.batch * self.down * self.across

    @property
    def bins(self) -> int:
        """Real multiplications of a block for each pair of input and output channel."""
        (r, c), (s, d) = ((real_points(side), complex_points(side)) for side in self.sides)
        return r * (s + 3 * d) + c * (3 * s + 6 * d)

    @property
    def kernel_bytes(self) -> int:
        """Bytes of the transformed kernel."""
        return 4 * self.bins * self.shape.outputs * self.shape.depth

    @property
    def bytes(self) -> int:
        """Bytes of images and products before and after their transforms, for the whole batch."""
        height, width = self.sides
        image = (height * width + self.bins) * self.shape.depth
        product = self.block.height * self.block.width + self.bins
        return 4 * self.blocks * (image + product * self.shape.outputs)


def real_points(n: int) -> int:
    """Number of real points among n: 0, ∞ and the real roots of unity of order n − 2."""
    return min(n, 4 - n % 2)


def complex_points(n: int) -> int:
    """Number of pairs of complex conjugate points among n."""
    return (n - real_points(n)) // 2


@lru_cache(maxsize=256)
def plan(shape: Shape, piece_bytes: int = PIECE) -> Plan:
    """The blocks of least `cost` for a shape, and the number of images that fit into `piece_bytes`."""
    heights = range(1, min(shape.rows, LARGEST_TILE) + 1)
    widths = range(1, min(shape.columns, LARGEST_TILE) + 1)
    candidates = (Plan(shape, Block(height, width), shape.batch) for height in heights for width in widths)
    best = min(candidates, key=cost)
    return replace(best, piece=max(1, min(shape.batch, piece_bytes * shape.batch // best.bytes)))


def cost(plan: Plan) -> float:
    """Expected time of a forward and a backward pass, in multiply-adds of a large matrix product.

    The weights were fitted to measurements and are constants, so that the same shape has the same plan everywhere.
    """
    shape, block, (high, wide), bins = plan.shape, plan.block, plan.sides, plan.bins
    x, y, w = plan.blocks * shape.depth, plan.blocks * shape.outputs, shape.outputs * shape.depth
    image = high * high * wide + 1.5 * bins * wide
    output = high * block.height * block.width + 1.5 * bins * block.width
    kernel = high * shape.taps**2 + 1.5 * bins * shape.taps
    return (
        3 * bins * w * (plan.blocks + 22)  # a product with few rows is less efficient
        + 3.9 * (image * x + output * y)
        + 6.4 * kernel * w
        + 42 * ((high * wide + 1.7 * bins) * x + (block.height * block.width + 1.7 * bins) * y)
        + 5 * (shape.taps**2 + 1.7 * bins) * w
    )


def windows(canvas: Tensor, plan: Plan, rows: range, columns: range) -> Tensor:
    """View of some rows and columns of all blocks of a canvas (batch, height, width, channel).

    Its shape is (row, column, batch, block down, block across, phase down, phase across, channel).
    """
    s, block = plan.shape.stride, plan.block
    image, line, point, _ = canvas.stride()
    shape = (len(rows), len(columns), len(canvas), plan.down, plan.across, s, s, plan.shape.channels)
    steps = (s * block.height * line, s * block.width * point)
    start = canvas.storage_offset() + s * (rows.start * line + columns.start * point)
    return canvas.as_strided(shape, (s * line, s * point, image, *steps, line, point, 1), start)


def gather(images: Tensor, plan: Plan) -> Tensor:
    """Blocks of images (batch, channel, height, width), as a matrix (points, blocks · depth)."""
    p, (height, width) = plan.shape.padding, plan.canvas
    x = images.permute(0, 2, 3, 1)
    high, wide = min(x.shape[1], height - p), min(x.shape[2], width - p)
    if p or (high, wide) != (height, width) or x.stride(3) != 1:
        canvas = x.new_zeros(len(x), height, width, x.shape[3])
        canvas[:, p : p + high, p : p + wide] = x[:, :high, :wide]
        x = canvas
    rows, columns = (range(side) for side in plan.sides)
    return windows(x, plan, rows, columns).contiguous().view(len(rows) * len(columns), -1)


def scatter(matrix: Tensor, plan: Plan, batch: int) -> Tensor:
    """Adjoint of `gather`: sums a matrix (points, blocks · depth) into images."""
    shape, p, (height, width) = plan.shape, plan.shape.padding, plan.canvas
    canvas = matrix.new_zeros(batch, max(height, shape.height + p), max(width, shape.width + p), shape.channels)
    view = matrix.view(*plan.sides, batch, plan.down, plan.across, shape.stride, shape.stride, shape.channels)
    for rows in disjoint(plan.sides[0], plan.block.height, plan.down):
        for columns in disjoint(plan.sides[1], plan.block.width, plan.across):
            part = view[rows.start : rows.stop, columns.start : columns.stop]
            windows(canvas, plan, rows, columns).add_(part)
    return canvas[:, p : p + shape.height, p : p + shape.width].permute(0, 3, 1, 2)


def disjoint(side: int, tile: int, blocks: int) -> Iterator[range]:
    """Split 0..side into ranges within which blocks, whose distance is `tile`, do not overlap."""
    step = tile if blocks > 1 else side
    return (range(start, min(start + step, side)) for start in range(0, side, step))


def gather_taps(weight: Tensor, shape: Shape) -> Tensor:
    """Kernels (output, channel, k, k) by phase, as a matrix (taps², output · depth)."""
    s, taps = shape.stride, shape.taps
    result = weight.new_zeros(taps, taps, shape.outputs, s, s, shape.channels)
    for i in range(s):
        for j in range(s):
            part = weight[:, :, i::s, j::s].permute(2, 3, 0, 1)
            result[: part.shape[0], : part.shape[1], :, i, j] = part
    return result.view(taps * taps, -1)


def scatter_taps(matrix: Tensor, result: Tensor, shape: Shape) -> None:
    """Adjoint of `gather_taps`: fills kernels (output, channel, k, k), all outputs or some."""
    s, taps = shape.stride, shape.taps
    view = matrix.view(taps, taps, len(result), s, s, shape.channels)
    for i in range(s):
        for j in range(s):
            part = result[:, :, i::s, j::s]
            part.copy_(view[: part.shape[2], : part.shape[3], :, i, j].permute(2, 3, 0, 1))


def place(tiles: Tensor, plan: Plan, batch: int, bias: Tensor | None) -> Tensor:
    """Output (batch, output, rows, columns) from its tiles, a matrix (points, blocks · output)."""
    shape, block = plan.shape, plan.block
    view = tiles.view(block.height, block.width, batch, plan.down, plan.across, shape.outputs)
    view = view.permute(2, 3, 0, 4, 1, 5)
    result = tiles.new_empty(view.shape)
    if bias is None:
        result.copy_(view)
    else:
        torch.add(view, bias, out=result)
    whole = result.view(batch, plan.down * block.height, plan.across * block.width, shape.outputs)
    return whole[:, : shape.rows, : shape.columns].contiguous().permute(0, 3, 1, 2)


def split(gradient: Tensor, plan: Plan) -> Tensor:
    """Adjoint of `place`: a matrix (points, blocks · output) from (batch, output, rows, columns)."""
    block, y = plan.block, gradient.permute(0, 2, 3, 1)
    height, width = plan.down * block.height, plan.across * block.width
    if y.shape[1:3] != (height, width) or not y.is_contiguous():
        canvas = y.new_zeros(len(y), height, width, y.shape[3])
        canvas[:, : y.shape[1], : y.shape[2]] = y
        y = canvas
    y = y.view(len(y), plan.down, block.height, plan.across, block.width, -1)
    return y.permute(2, 4, 0, 1, 3, 5).contiguous().view(block.height * block.width, -1)
