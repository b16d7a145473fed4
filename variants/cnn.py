"""The convolutional baseline of Sabour et al. 2017, section 5: no capsules, 35.4M parameters at 28×28."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from variants import register
from variants.contract import Config, Output, Variant
from variants.layers import LargeKernelConv2d


class CnnConfig(Config):
    """Configuration of the baseline."""

    width: int = Field(256, ge=2, le=4096, description="channels of the first two convolutions; the third has half")
    dropout: float = Field(0.5, ge=0, lt=1, description="fraction of the last hidden layer that is dropped")


@register("cnn")
class ConvolutionalNetwork(Variant):
    """Three 5×5 convolutions that keep the image's size, two hidden layers, dropout, class scores."""

    Config = CnnConfig
    config: CnnConfig

    def __init__(self, config: CnnConfig) -> None:
        super().__init__(config)
        channels = (config.image_channels, config.width, config.width, config.width // 2)
        self.convolutions = nn.ModuleList(
            # padding 2 keeps the image's size; without it the network has 13.3M parameters, not 35.4M
            LargeKernelConv2d(into, out, 5, padding=2, algorithm=config.convolution)
            for into, out in pairwise(channels)
        )
        self.hidden = nn.Sequential(
            nn.Linear(channels[-1] * config.image_size**2, 328),
            nn.ReLU(),
            nn.Linear(328, 192),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.scores = nn.Linear(192, config.classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """Class scores before the softmax."""
        features = images
        for convolution in self.convolutions:
            features = torch.relu(convolution(features))  # (batch, channels, height, width)
        return Output(activities=self.scores(self.hidden(features.flatten(1))))

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the softmax over the scores."""
        return F.cross_entropy(output.activities, labels)
