"""A plugin whose training draws from the random generators of Python, NumPy and torch."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import variants
from variants import Config, Output, Variant, register


@register("chancy")
class Chancy(Variant):
    """One matrix product, noise from everywhere, and a count that is in no state_dict."""

    Config = Config

    seen: Tensor

    def __init__(self, config: variants.Config) -> None:
        super().__init__(config)
        self.scores = nn.Linear(config.image_size**2, config.classes)
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """See `Variant.forward`."""
        scores = self.scores(images.flatten(1))
        if labels is not None:
            self.seen += 1
            noise = random.gauss(0, 0.1) + 0.1 * float(np.random.randn()) + torch.sin(self.seen)
            scores = F.dropout(scores + noise * scores.detach(), 0.1)
        return Output(scores)

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(output.activities, labels)
