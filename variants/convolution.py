"""Convolution with large kernels."""

from __future__ import annotations

from typing import Literal

from torch import nn


class LargeKernelConv2d(nn.Conv2d):
    """A drop-in for `torch.nn.Conv2d` (square kernels)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        algorithm: Literal["auto", "direct", "fast"] = "auto",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.algorithm = algorithm
