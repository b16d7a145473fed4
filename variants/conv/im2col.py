"""Convolution of images with few channels as one matrix product over unfolded patches (im2col)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input


def _patches(images: Tensor, kernel: int, stride: int, padding: int, rows: int, columns: int) -> Tensor:
    """Patches as a matrix (kernel² · channels, batch · rows · columns)."""
    x = F.pad(images, (padding,) * 4) if padding else images
    image, channel, line, point = x.stride()
    shape = (kernel, kernel, x.shape[1], len(x), rows, columns)
    strides = (line, point, channel, image, stride * line, stride * point)
    return x.as_strided(shape, strides).reshape(kernel * kernel * x.shape[1], -1)


class ColumnConvolution(torch.autograd.Function):
    """Convolution of images (batch, channel, height, width) by patches; the result is channels-last."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        outputs, kernel = weight.shape[0], weight.shape[2]
        rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in images.shape[2:])
        patches = _patches(images, kernel, stride, padding, rows, columns)
        matrix = weight.permute(2, 3, 1, 0).reshape(-1, outputs)
        result = patches.t() @ matrix if bias is None else torch.addmm(bias, patches.t(), matrix)
        ctx.stride, ctx.padding, ctx.size, ctx.biased = stride, padding, images.shape, bias is not None
        ctx.save_for_backward(patches, weight)
        return result.view(len(images), rows, columns, outputs).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        patches, weight = ctx.saved_tensors
        outputs, channels, kernel, _ = weight.shape
        dy = gradient.permute(0, 2, 3, 1).reshape(-1, outputs)
        dimages = dweight = None
        if ctx.needs_input_grad[0]:
            dimages = conv2d_input(ctx.size, weight.contiguous(), gradient, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            dweight = (dy.t() @ patches.t()).view(outputs, kernel, kernel, channels).permute(0, 3, 1, 2)
        return dimages, dweight, dy.sum(0) if ctx.biased else None, None, None
