"""A single convolution as a variant, so that it can be timed alone: forward, backward to its input, update."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from variants import register
from variants.contract import Output, Variant
from variants.conv.large_kernel import LargeKernelConfig, LargeKernelConv2d


class ConvolutionConfig(LargeKernelConfig):
    """Shape of the convolution."""

    width: int = Field(256, ge=1, le=4096, description="input channels")
    outputs: int = Field(256, ge=1, le=4096, description="output channels")
    kernel: int = Field(9, ge=1, le=64, description="height and width of the kernel")
    stride: int = Field(2, ge=1, le=8)
    padding: int = Field(0, ge=0, le=32)
    size: int = Field(20, ge=1, le=256, description="height and width of the input")
    batch: int = Field(100, ge=1, le=1024, description="inputs; the batch of the suite")

    @property
    def label(self) -> str:
        """The kernel, its stride and the channels."""
        return f"{self.kernel}×{self.kernel}/{self.stride} {self.width}→{self.outputs} at {self.size}"


@register("convolution")
class Convolution(Variant):
    """One convolution of fixed random features; the images are not looked at."""

    Config = ConvolutionConfig
    config: ConvolutionConfig

    def __init__(self, config: ConvolutionConfig) -> None:
        super().__init__(config)
        self.layer = LargeKernelConv2d(
            config.width, config.outputs, config.kernel, config.stride, config.padding, algorithm=config.convolution
        )
        # as an activation would be: channels-last, with a gradient that nobody keeps
        features = torch.randn(config.batch, config.width, config.size, config.size)
        if config.convolution != "direct":
            features = features.contiguous(memory_format=torch.channels_last)
        self.features = nn.Buffer(features, persistent=False)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """Sums over the outputs as made-up class activities."""
        result = self.layer(self.features[: len(images)].detach().requires_grad_(torch.is_grad_enabled()))
        return Output(result.sum(dim=(2, 3))[:, : self.config.classes])

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """The mean activity, whose gradient is the same everywhere."""
        return output.activities.mean()
