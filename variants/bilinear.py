"""Convolution by blocks as a bilinear algorithm: y = E [(A x) ⊙ (B w)] with constant real matrices A, B, E.

A block of outputs depends on a block of inputs that is larger by the taps of the kernel less one. Evaluating
image and kernel at roots of ±1 in both directions (a discrete Fourier transform of the size of that block)
turns correlation into one complex product per frequency; one of each conjugate pair of frequencies is enough,
and a complex product takes three real ones, or four with smaller transforms. What wraps around the block never
reaches its outputs. The phases of a stride join the channels: ⊙ is a matrix product over both per frequency.

A, B and E factor into rows and columns. With the frequency first and the channel last in memory, every factor
is a plain matrix product and nothing is transposed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from variants.blocks import Plan, gather, gather_taps, place, scatter, scatter_taps, split

# What the factors of a real product are made of, as combinations of real and imaginary part, and what a product
# adds to them; a list for each group of products, the groups share the image's factors.
_IMAGE = {3: [[[1, 0], [0, 1], [1, 1]]], 4: [[[1, 0], [0, 1]]]}
_KERNEL = {3: [[[1, 0], [0, 1], [1, 1]]], 4: [[[1, 0]], [[0, 1]]]}
_OUTPUT = {3: [[[1, -1], [-1, -1], [0, 1]]], 4: [[[1, 0], [0, 1]], [[0, 1], [-1, 0]]]}


@dataclass(frozen=True)
class Transform:
    """One of A, B and the transpose of E, in two factors.

    outer: (2 · pairs, height), real and imaginary part of each frequency along the rows.
    inner: for each group (columns' frequencies · factors, 2 · width), real above imaginary part.
    """

    outer: Tensor
    inner: tuple[Tensor, ...]

    def __call__(self, matrix: Tensor) -> Tensor:
        """Transforms the columns of a matrix (height · width, n) to (groups, pairs, rows of inner, n)."""
        columns, pairs = matrix.shape[1], len(self.outer) // 2
        lines = (self.outer @ matrix.view(self.outer.shape[1], -1)).view(pairs, -1, columns)
        result = matrix.new_empty(len(self.inner), pairs, len(self.inner[0]), columns)
        for inner, part in zip(self.inner, result, strict=True):
            torch.bmm(inner.expand(pairs, -1, -1), lines, out=part)
        return result

    def adjoint(self, tensor: Tensor) -> Tensor:
        """The transposed transform, (groups, pairs, rows of inner, n) to (height · width, n)."""
        columns, pairs = tensor.shape[3], len(self.outer) // 2
        lines = torch.bmm(self.inner[0].t().expand(pairs, -1, -1), tensor[0])
        for inner, part in zip(self.inner[1:], tensor[1:], strict=True):
            lines.baddbmm_(inner.t().expand(pairs, -1, -1), part)
        return (self.outer.t() @ lines.view(2 * pairs, -1)).view(-1, columns)


@dataclass(frozen=True)
class Bilinear:
    """The transforms A and B, and E by its transpose; `bins` is the batch of the matrix products."""

    image: Transform
    kernel: Transform
    output: Transform
    bins: int


def factors(
    size: tuple[int, int], sides: tuple[int, int], sign: int, forms: list[list[list[int]]]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The factors of a transform of size[0] × size[1] points to the frequencies of sides[0] × sides[1] ones.

    Frequencies along the rows are roots of −1 where their number is even, as none is then its own conjugate,
    and of 1 where it is odd; only one of a pair is taken. Those along the columns are all roots of 1.
    """
    shift = 0.5 if sides[0] % 2 == 0 else 0.0
    half = np.arange(-(-sides[0] // 2)) + shift
    rows = np.outer(2 * math.pi * half / sides[0], np.arange(size[0]))
    columns = np.outer(2 * math.pi * np.arange(sides[1]) / sides[1], np.arange(size[1]))
    outer = np.stack([np.cos(rows), sign * np.sin(rows)], axis=1).reshape(-1, size[0])
    real = np.concatenate([np.cos(columns), -sign * np.sin(columns)], axis=1)
    imaginary = np.concatenate([sign * np.sin(columns), np.cos(columns)], axis=1)
    parts = np.stack([real, imaginary])
    inner = [np.einsum("fp,plc->lfc", np.array(form), parts).reshape(-1, 2 * size[1]) for form in forms]
    return outer, inner


@lru_cache(maxsize=64)
def bilinear(taps: int, height: int, width: int, products: int, device: torch.device) -> Bilinear:
    """The constants of blocks of height × width outputs, computed in float64 and rounded once to float32."""
    sides = (height + taps - 1, width + taps - 1)
    image = factors(sides, sides, -1, _IMAGE[products])
    kernel = factors((taps, taps), sides, 1, _KERNEL[products])
    outer, inner = factors((height, width), sides, -1, _OUTPUT[products])
    weight = np.full(len(outer), 2 / (sides[0] * sides[1]))  # a frequency stands for its conjugate too
    if sides[0] % 2:
        weight[:2] /= 2
    output = (outer * weight[:, None], inner)

    def rounded(matrices: tuple[np.ndarray, list[np.ndarray]]) -> Transform:
        first, *rest = (torch.tensor(m, dtype=torch.float32, device=device) for m in (matrices[0], *matrices[1]))
        return Transform(first, tuple(rest))

    bins = -(-sides[0] // 2) * sides[1] * (3 if products == 3 else 1)
    return Bilinear(rounded(image), rounded(kernel), rounded(output), bins)


def _constants(plan: Plan, device: torch.device) -> Bilinear:
    block = plan.block
    return bilinear(plan.shape.taps, block.height, block.width, block.products, device)


def _transformed(images: Tensor, plan: Plan, c: Bilinear) -> Tensor:
    """A x of images, (bins, rows, depth); a row is a block, or its real or imaginary part."""
    return c.image(gather(images, plan)).view(c.bins, -1, plan.shape.depth)


def _products(blocks: Tensor, kernel: Tensor) -> Tensor:
    """A x ⊙ B w, (groups, bins, rows, output)."""
    result = blocks.new_empty(*kernel.shape[:2], blocks.shape[1], kernel.shape[2])
    for group, part in zip(kernel, result, strict=True):
        torch.bmm(blocks, group.transpose(1, 2), out=part)
    return result


def _output(products: Tensor, plan: Plan, c: Bilinear, bias: Tensor | None, batch: int) -> Tensor:
    """The images that the products make."""
    pairs, rows = len(c.output.outer) // 2, len(c.output.inner[0])
    tiles = c.output.adjoint(products.view(len(products), pairs, rows, -1))
    return place(tiles, plan, batch, bias)


def _image_gradient(products: Tensor, kernel: Tensor, plan: Plan, c: Bilinear, batch: int) -> Tensor:
    """Gradient of images from that of the products."""
    blocks = torch.bmm(products[0], kernel[0])
    for part, group in zip(products[1:], kernel[1:], strict=True):
        blocks.baddbmm_(part, group)
    pairs, rows = len(c.image.outer) // 2, len(c.image.inner[0])
    return scatter(c.image.adjoint(blocks.view(1, pairs, rows, -1)), plan, batch)


def _add_kernel_gradient(total: Tensor | None, products: Tensor, blocks: Tensor) -> Tensor:
    """Adds the gradient of B w, (groups, bins, output, depth), from that of the products to a total."""
    beta = 0 if total is None else 1  # 0 ignores what is in the tensor
    if total is None:
        total = blocks.new_empty(*products.shape[:2], products.shape[3], blocks.shape[2])
    for group, part in zip(total, products, strict=True):
        group.baddbmm_(part.transpose(1, 2), blocks, beta=beta)
    return total


def _kernel_gradient(total: Tensor, plan: Plan, c: Bilinear) -> Tensor:
    """Gradient of the weight from that of B w."""
    pairs, rows = len(c.kernel.outer) // 2, len(c.kernel.inner[0])
    return scatter_taps(c.kernel.adjoint(total.view(len(total), pairs, rows, -1)), plan.shape)


def _joined(pieces: list[Tensor]) -> Tensor:
    """The pieces of a batch as one tensor, without a copy where there is one only."""
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


class BlockConvolution(torch.autograd.Function):
    """Convolution of images with weight and bias by the blocks of a plan; the result is channels-last.

    The transformed tensors are kept for the backward pass, those of the images only where one piece holds
    the batch.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
        shape, c = plan.shape, _constants(plan, images.device)
        kernel = c.kernel(gather_taps(weight, shape)).view(-1, c.bins, shape.outputs, shape.depth)
        results = []
        for part in images.split(plan.piece):
            blocks = _transformed(part, plan, c)
            results.append(_output(_products(blocks, kernel), plan, c, bias, len(part)))
        ctx.plan, ctx.biased, ctx.whole = plan, bias is not None, len(results) == 1
        ctx.save_for_backward(kernel, blocks if ctx.whole else images)
        return _joined(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        kernel, saved = ctx.saved_tensors
        plan, c = ctx.plan, _constants(ctx.plan, gradient.device)
        dimages, dkernel = [], None
        parts = [saved] if ctx.whole else saved.split(plan.piece)
        for part, dy in zip(parts, gradient.split(plan.piece), strict=True):
            dproducts = c.output(split(dy, plan)).view(len(kernel), c.bins, -1, plan.shape.outputs)
            if ctx.needs_input_grad[0]:
                dimages.append(_image_gradient(dproducts, kernel, plan, c, len(dy)))
            if ctx.needs_input_grad[1]:
                blocks = part if ctx.whole else _transformed(part, plan, c)
                dkernel = _add_kernel_gradient(dkernel, dproducts, blocks)
        dweight = None if dkernel is None else _kernel_gradient(dkernel, plan, c)
        dbias = gradient.sum((0, 2, 3)) if ctx.biased else None
        return _joined(dimages) if dimages else None, dweight, dbias, None
