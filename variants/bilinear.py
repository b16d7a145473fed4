"""Convolution by blocks as a bilinear algorithm: y = E [(A x) ⊙ (B w)] with constant real matrices A, B, E.

A block of t × t outputs depends on n × n inputs, n = t + taps − 1. Evaluating both image and kernel at the n-th
roots of ±1 in either direction (a discrete Fourier transform over the block) turns correlation into one complex
product per frequency; one of each conjugate pair of frequencies is enough, and a complex product takes three real
ones (or four, with smaller transforms). What wraps around the block never reaches its t × t outputs. A stride s
is split into its s² phases, which join the channels: ⊙ is a matrix product over channels and phases for each
frequency. Larger images are covered by overlapping blocks.

Tensors are laid out with the channel last and the frequency first, so that transforms are plain matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

PIECE = 512 * 2**20  # bytes of transformed images and products at a time; larger batches go in pieces


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
        """Taps of one phase of the kernel in one direction."""
        return -(-self.kernel // self.stride)


@dataclass(frozen=True)
class Block:
    """How a block is computed: t × t outputs at a time, three or four real products a complex one."""

    tile: int
    products: int


@dataclass(frozen=True)
class Constants:
    """The matrices of a block; `bins` is the batch of the matrix product.

    image: A, (bins · stack, n²), kernel: B, (groups · bins, taps²), output: E, (t², groups · bins · stack).
    With three products every bin is a real product of its own. With four, a bin is a frequency: real and
    imaginary part of the image are stacked as rows (stack 2), those of the kernel taken in turn (groups 2).
    """

    image: Tensor
    kernel: Tensor
    output: Tensor
    bins: int
    stack: int
    groups: int


def frequencies(n: int) -> tuple[np.ndarray, np.ndarray]:
    """One of each conjugate pair of 2-D frequencies of an n × n block, (count, 2) radians, and its multiplicity.

    The rows use roots of −1 where n is even: no frequency is then its own conjugate.
    """
    shift = 0.5 if n % 2 == 0 else 0.0
    pairs, counts = [], []
    for k in range(n):
        for m in range(n):
            mirror = (round(n - k - 2 * shift) % n, (n - m) % n)
            if (k, m) <= mirror:
                pairs.append((2 * math.pi * (k + shift) / n, 2 * math.pi * m / n))
                counts.append(1 if (k, m) == mirror else 2)
    return np.array(pairs), np.array(counts)


def _waves(angles: np.ndarray, size: int) -> np.ndarray:
    """Phase of every frequency at every point of a size × size grid, (count, size²)."""
    rows, columns = np.divmod(np.arange(size * size), size)
    return np.outer(angles[:, 0], rows) + np.outer(angles[:, 1], columns)


def matrices(taps: int, tile: int, products: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int, int]:
    """A, B, E in float64 with bins, stack and groups as in `Constants`."""
    n = tile + taps - 1
    angles, counts = frequencies(n)
    inside, kernel, outside = _waves(angles, n), _waves(angles, taps), _waves(angles, tile)
    xr, xi, wr, wi = np.cos(inside), -np.sin(inside), np.cos(kernel), np.sin(kernel)
    scale = (counts / n**2)[:, None]
    yr, yi = scale * np.cos(outside), -scale * np.sin(outside)
    if products == 4:
        a = np.stack([xr, xi], 1).reshape(-1, n * n)
        b = np.concatenate([wr, wi])
        e = np.concatenate([np.stack([yr, yi], 1), np.stack([yi, -yr], 1)]).reshape(-1, tile * tile)
        return a, b, e.T, len(angles), 2, 2
    pair = counts == 2
    a = np.concatenate([xr, xi[pair], (xr + xi)[pair]])
    b = np.concatenate([wr, wi[pair], (wr + wi)[pair]])
    e = np.concatenate([yr - np.where(pair[:, None], yi, 0), (-yr - yi)[pair], yi[pair]])
    return a, b, e.T, len(a), 1, 1


@lru_cache(maxsize=64)
def constants(taps: int, block: Block, device: torch.device) -> Constants:
    """The matrices of a block, computed in float64 and rounded once to float32."""
    a, b, e, bins, stack, groups = matrices(taps, block.tile, block.products)
    a, b, e = (torch.tensor(m, dtype=torch.float32, device=device) for m in (a, b, e))
    return Constants(a, b, e, bins, stack, groups)


@dataclass(frozen=True)
class Plan:
    """How a convolution is covered by blocks: down × across of them for an image, `piece` images at a time."""

    shape: Shape
    block: Block
    piece: int

    @property
    def side(self) -> int:
        """Side n of the input block of one phase."""
        return self.block.tile + self.shape.taps - 1

    @property
    def down(self) -> int:
        """Blocks in a column of the output."""
        return -(-self.shape.rows // self.block.tile)

    @property
    def across(self) -> int:
        """Blocks in a row of the output."""
        return -(-self.shape.columns // self.block.tile)

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width of the padded image that the blocks read."""
        reach, s = self.shape.taps - 1, self.shape.stride
        return s * (self.down * self.block.tile + reach), s * (self.across * self.block.tile + reach)

    @property
    def depth(self) -> int:
        """Inner dimension of the matrix products: channels × phases."""
        return self.shape.channels * self.shape.stride**2


def _windows(canvas: Tensor, plan: Plan, rows: range, columns: range) -> Tensor:
    """View of a canvas (batch, height, width, channel) by blocks, limited to some rows and columns of a block.

    Its shape is (row, column, batch, block down, block across, phase down, phase across, channel).
    """
    s, t = plan.shape.stride, plan.block.tile
    image, line, point, _ = canvas.stride()
    shape = (len(rows), len(columns), len(canvas), plan.down, plan.across, s, s, plan.shape.channels)
    stride = (s * line, s * point, image, s * t * line, s * t * point, line, point, 1)
    start = canvas.storage_offset() + s * (rows.start * line + columns.start * point)
    return canvas.as_strided(shape, stride, start)


def _overlaps(side: int, tile: int) -> Iterator[range]:
    """Cuts 0..side into parts no longer than a tile: blocks do not overlap within a part."""
    return (range(start, min(start + tile, side)) for start in range(0, side, tile))


def _gather(images: Tensor, plan: Plan) -> Tensor:
    """Blocks of images (batch, channel, height, width), as a matrix (n², blocks · depth)."""
    p, (height, width) = plan.shape.padding, plan.canvas
    x = images.permute(0, 2, 3, 1)
    high, wide = min(x.shape[1], height - p), min(x.shape[2], width - p)
    if p or (high, wide) != (height, width) or x.stride(3) != 1:
        canvas = x.new_zeros(len(x), height, width, x.shape[3])
        canvas[:, p : p + high, p : p + wide] = x[:, :high, :wide]
        x = canvas
    n = plan.side
    return _windows(x, plan, range(n), range(n)).reshape(n * n, -1)


def _scatter(blocks: Tensor, plan: Plan, batch: int) -> Tensor:
    """Adjoint of `_gather`: sums a matrix (n², blocks · depth) into images (batch, channel, height, width)."""
    shape, n, p = plan.shape, plan.side, plan.shape.padding
    height, width = plan.canvas
    full = (batch, max(height, shape.height + p), max(width, shape.width + p), shape.channels)
    canvas = blocks.new_zeros(full)
    view = blocks.view(n, n, batch, plan.down, plan.across, shape.stride, shape.stride, shape.channels)
    for rows in _overlaps(n, plan.block.tile):
        for columns in _overlaps(n, plan.block.tile):
            part = view[rows.start : rows.stop, columns.start : columns.stop]
            _windows(canvas, plan, rows, columns).add_(part)
    return canvas[:, p : p + shape.height, p : p + shape.width].permute(0, 3, 1, 2)


def _taps(weight: Tensor, shape: Shape) -> Tensor:
    """Kernels (output, channel, k, k) by phase, as a matrix (taps², output · depth)."""
    k, s, taps = shape.kernel, shape.stride, shape.taps
    result = weight.new_zeros(taps, taps, shape.outputs, s, s, shape.channels)
    for i in range(s):
        for j in range(s):
            part = weight[:, :, i::s, j::s].permute(2, 3, 0, 1)
            result[: part.shape[0], : part.shape[1], :, i, j] = part
    return result.view(taps * taps, -1)


def _kernels(matrix: Tensor, shape: Shape) -> Tensor:
    """Adjoint of `_taps`: kernels (output, channel, k, k) from a matrix (taps², output · depth)."""
    k, s, taps = shape.kernel, shape.stride, shape.taps
    view = matrix.view(taps, taps, shape.outputs, s, s, shape.channels)
    result = matrix.new_empty(shape.outputs, k, k, shape.channels).permute(0, 3, 1, 2)
    for i in range(s):
        for j in range(s):
            part = result[:, :, i::s, j::s]
            part.copy_(view[: part.shape[2], : part.shape[3], :, i, j].permute(2, 3, 0, 1))
    return result


def _place(tiles: Tensor, plan: Plan, batch: int, bias: Tensor | None) -> Tensor:
    """Output (batch, output, rows, columns) from its tiles, a matrix (t², blocks · output)."""
    shape, t = plan.shape, plan.block.tile
    view = tiles.view(t, t, batch, plan.down, plan.across, -1).permute(2, 3, 0, 4, 1, 5)
    result = tiles.new_empty(view.shape)
    if bias is None:
        result.copy_(view)
    else:
        torch.add(view, bias, out=result)
    result = result.view(batch, plan.down * t, plan.across * t, -1)[:, : shape.rows, : shape.columns]
    return result.contiguous().permute(0, 3, 1, 2)


def _split(gradient: Tensor, plan: Plan) -> Tensor:
    """Adjoint of `_place`: a matrix (t², blocks · output) from (batch, output, rows, columns)."""
    t, batch = plan.block.tile, len(gradient)
    y = gradient.permute(0, 2, 3, 1)
    height, width = plan.down * t, plan.across * t
    if y.shape[1:3] != (height, width) or not y.is_contiguous():
        canvas = y.new_zeros(batch, height, width, y.shape[3])
        canvas[:, : y.shape[1], : y.shape[2]] = y
        y = canvas
    y = y.view(batch, plan.down, t, plan.across, t, -1).permute(2, 4, 0, 1, 3, 5)
    return y.reshape(t * t, -1)


class BlockConvolution(torch.autograd.Function):
    """Convolution of images with weight and bias by the blocks of a plan."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
        shape = plan.shape
        c = constants(shape.taps, plan.block, images.device)
        kernel = (c.kernel @ _taps(weight, shape)).view(c.groups, c.bins, shape.outputs, plan.depth)
        results, blocks = [], None
        for part in images.split(plan.piece):
            blocks = (c.image @ _gather(part, plan)).view(c.bins, -1, plan.depth)
            product = (
                torch.cat([torch.bmm(blocks, k.transpose(1, 2)) for k in kernel])
                if c.groups > 1
                else torch.bmm(blocks, kernel[0].transpose(1, 2))
            )
            results.append(_place(c.output @ product.view(c.output.shape[1], -1), plan, len(part), bias))
        ctx.plan, ctx.biased = plan, bias is not None
        whole = len(results) == 1
        ctx.whole = whole
        ctx.save_for_backward(kernel, blocks if whole else images)
        return results[0] if whole else torch.cat(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        kernel, saved = ctx.saved_tensors
        plan, shape = ctx.plan, ctx.plan.shape
        c = constants(shape.taps, plan.block, gradient.device)
        dimages, dkernel = [], None
        dbias = gradient.sum((0, 2, 3)) if ctx.biased else None
        start = 0
        for part in gradient.split(plan.piece):
            blocks = (
                saved
                if ctx.whole
                else (c.image @ _gather(saved[start : start + len(part)], plan)).view(c.bins, -1, plan.depth)
            )
            start += len(part)
            dproduct = (c.output.t() @ _split(part, plan)).view(c.groups, c.bins, -1, shape.outputs)
            if ctx.needs_input_grad[0]:
                dblocks = torch.bmm(dproduct[0], kernel[0])
                if c.groups > 1:
                    dblocks.baddbmm_(dproduct[1], kernel[1])
                dimages.append(_scatter(c.image.t() @ dblocks.view(c.image.shape[0], -1), plan, len(part)))
            if ctx.needs_input_grad[1]:
                if dkernel is None:
                    dkernel = torch.empty_like(kernel)
                    for j in range(c.groups):
                        torch.bmm(dproduct[j].transpose(1, 2), blocks, out=dkernel[j])
                else:
                    for j in range(c.groups):
                        dkernel[j].baddbmm_(dproduct[j].transpose(1, 2), blocks)
        dweight = None
        if dkernel is not None:
            dweight = _kernels(c.kernel.t() @ dkernel.view(c.kernel.shape[0], -1), shape)
        dx = None
        if dimages:
            dx = dimages[0] if len(dimages) == 1 else torch.cat(dimages)
        return dx, dweight, dbias, None
