"""The convolutional baselines without capsules: that of Sabour et al. 2017, and the one with pooling of their code.

The paper's baseline (section 5) has 35.4M parameters at 28×28; the paper does not state the dropout rate, which is 0.5
here. For affNIST the paper mentions a network "with MaxPooling and DropOut" without its layout; `pooling` builds the
network with max-pooling in the authors' code (16.1M parameters at 40×40), which there has no dropout.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from variants import register
from variants.contract import Output, Variant
from variants.conv.large_kernel import LargeKernelConfig, LargeKernelConv2d

KERNEL = 5  # of all convolutions


class CnnConfig(LargeKernelConfig):
    """Configuration of the baselines."""

    width: int = Field(
        256, ge=2, le=4096, description="channels of the second convolution; without pooling of the first as well"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="fraction of the last hidden layer that is dropped")
    pooling: bool = Field(False, description="two convolutions with max-pooling in place of three without")

    @property
    def label(self) -> str:
        """Whether it pools."""
        return "pooling" if self.pooling else ""

    @model_validator(mode="after")
    def _fits(self) -> CnnConfig:
        if self.pooling:
            pooled_size(self.image_size)
        return self


@register("cnn")
class ConvolutionalNetwork(Variant):
    """Convolutions of 5×5, hidden layers, class scores."""

    Config = CnnConfig
    config: CnnConfig

    def __init__(self, config: CnnConfig) -> None:
        super().__init__(config)
        channels: tuple[int, ...]
        if config.pooling:
            channels, padding = (config.image_channels, 2 * config.width, config.width), 0
            size = pooled_size(config.image_size)
        else:
            channels, padding = (config.image_channels, config.width, config.width, config.width // 2), KERNEL // 2
            size = config.image_size  # without padding the network has 13.3M parameters, not 35.4M
        self.convolutions = nn.ModuleList(
            LargeKernelConv2d(into, out, KERNEL, padding=padding, algorithm=config.convolution)
            for into, out in pairwise(channels)
        )
        widths = (channels[-1] * size**2, *((1024,) if config.pooling else (328, 192)))
        layers = [layer for into, out in pairwise(widths) for layer in (nn.Linear(into, out), nn.ReLU())]
        self.hidden = nn.Sequential(*layers, nn.Dropout(config.dropout))
        self.scores = nn.Linear(widths[-1], config.classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """Class scores before the softmax."""
        features = images
        for convolution in self.convolutions:
            features = torch.relu(convolution(features))  # (batch, channels, height, width)
            if self.config.pooling:
                features = F.max_pool2d(features, 2)
        return Output(activities=self.scores(self.hidden(features.flatten(1))))

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the softmax over the scores."""
        return F.cross_entropy(output.activities, labels)


def pooled_size(image_size: int) -> int:
    """Rows and columns of the feature map after two unpadded convolutions, each followed by 2×2 max-pooling.

    Raises:
        ValueError: the image is too small.
    """
    size = ((image_size - KERNEL + 1) // 2 - KERNEL + 1) // 2
    if size < 1:
        raise ValueError(f"image_size {image_size} is too small for pooling; use images of at least 16 pixels")
    return size
