"""Convolution by blocks as a bilinear algorithm: y = Eᵀ [(A x) ⊙ (B w)] with the matrices of `variants.conv.toom_cook`.

A block of outputs depends on a block of inputs that is larger by the kernel's taps minus one. The phases of a stride
are treated like channels: ⊙ is one matrix product over both for each bin. The forward pass and the gradients of image
and kernel share the transformed tensors.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from variants.conv.tiling import Plan, Shape, gather, gather_taps, place, plan, scatter, scatter_taps, split
from variants.conv.toom_cook import Bilinear, bilinear

KERNEL = 512 * 2**20  # bytes; largest B w that is computed at a time
GROUP = 32 * 2**20  # bytes; the same for the gradient of B w


def _constants(plan: Plan, device: torch.device) -> Bilinear:
    return bilinear(plan.shape.taps, plan.block.height, plan.block.width, device)


def _transformed(images: Tensor, plan: Plan, c: Bilinear) -> Tensor:
    """A x of images, (bins, blocks, depth)."""
    return c.image(gather(images, plan)).view(c.bins, -1, plan.shape.depth)


def _transformed_kernel(weight: Tensor, plan: Plan, c: Bilinear) -> Tensor:
    """B w of a weight, (bins, output, depth)."""
    return c.kernel(gather_taps(weight, plan.shape)).view(c.bins, len(weight), -1)


def _joined(pieces: list[Tensor]) -> Tensor:
    """Concatenate the pieces of a batch; a single piece is not copied."""
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def block_convolution(images: Tensor, weight: Tensor, bias: Tensor | None, shape: Shape) -> Tensor:
    """Convolve by the cheapest blocks; if B w takes too much memory, for some output channels at a time."""
    whole = plan(shape)
    if whole.kernel_bytes <= KERNEL:
        return BlockConvolution.apply(images, weight, bias, whole, True)
    count = max(1, KERNEL * shape.outputs // whole.kernel_bytes)
    weights = weight.split(count)
    biases = [None] * len(weights) if bias is None else bias.split(count)
    parts = [
        BlockConvolution.apply(images, w, b, plan(replace(shape, outputs=len(w))), False)
        for w, b in zip(weights, biases, strict=True)
    ]
    return torch.cat(parts, dim=1)


class BlockConvolution(torch.autograd.Function):
    """Convolution of images with weight and bias by the blocks of a plan; the result is channels-last.

    The backward pass reuses A x if the batch is a single piece, and B w if `keep` is true; else it recomputes them.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, plan: Plan, keep: bool) -> Tensor:
        c = _constants(plan, images.device)
        kernel = _transformed_kernel(weight, plan, c)
        results = []
        for part in images.split(plan.piece):
            blocks = _transformed(part, plan, c)
            products = torch.bmm(blocks, kernel.transpose(1, 2))  # (bins, blocks, output)
            results.append(place(c.output.adjoint(products.view(c.bins, -1)), plan, len(part), bias))
        ctx.plan, ctx.biased, ctx.keep, ctx.whole = plan, bias is not None, keep, len(results) == 1
        ctx.save_for_backward(kernel if keep else weight, blocks if ctx.whole else images)
        return _joined(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        kernel, saved = ctx.saved_tensors
        plan, c = ctx.plan, _constants(ctx.plan, gradient.device)
        if not ctx.keep:
            kernel = _transformed_kernel(kernel, plan, c)
        dimages, dweight = [], None
        parts = [saved] if ctx.whole else saved.split(plan.piece)
        for part, dy in zip(parts, gradient.split(plan.piece), strict=True):
            dproducts = c.output(split(dy, plan)).view(c.bins, -1, plan.shape.outputs)
            if ctx.needs_input_grad[0]:
                dblocks = torch.bmm(dproducts, kernel)
                dimages.append(scatter(c.image.adjoint(dblocks.view(c.bins, -1)), plan, len(dy)))
                del dblocks
            if ctx.needs_input_grad[1]:
                blocks = part if ctx.whole else _transformed(part, plan, c)
                total = _weight_gradient(dproducts, blocks, plan, c)
                dweight = total if dweight is None else dweight.add_(total)
        dbias = gradient.sum((0, 2, 3)) if ctx.biased else None
        return _joined(dimages) if dimages else None, dweight, dbias, None, None


def _weight_gradient(dproducts: Tensor, blocks: Tensor, plan: Plan, c: Bilinear) -> Tensor:
    """Gradient of the weight, channels-last, some output channels at a time: that of B w is many times larger."""
    shape = plan.shape
    result = blocks.new_empty(shape.outputs, shape.kernel, shape.kernel, shape.channels).permute(0, 3, 1, 2)
    count = max(1, GROUP * shape.outputs // plan.kernel_bytes)
    for some, part in zip(dproducts.split(count, dim=2), result.split(count), strict=True):
        dkernel = torch.bmm(some.transpose(1, 2), blocks).view(c.bins, -1)
        scatter_taps(c.kernel.adjoint(dkernel), part, shape)
        del dkernel  # frees it before the next one is computed
    return result
