"""CapsNet with dynamic routing (Sabour, Frosst, Hinton 2017): 8.2M parameters at 28×28.

It follows the paper where the authors' published code differs: that code adds 160 biases to s_j, halves the margin loss
(which doubles the weight of the reconstruction), divides the primary capsules' inputs by 32, and draws W from a
truncated normal distribution. The paper does not give the initial values: here W is normal with standard deviation 0.1,
and the convolutions are initialised by torch's default.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from variants import register
from variants.contract import Form, Output, Variant
from variants.layers.capsules import DIGIT_POSE, POSE, PrimaryCapsules, PrimaryConfig, norm, primary_capsules
from variants.layers.losses import MarginConfig, margin_loss, reconstruction_loss
from variants.layers.routing import fused_route, reference_route

KERNEL = 9  # of both convolutions


class CapsNetConfig(MarginConfig, PrimaryConfig):
    """Configuration of CapsNet."""

    routing_iterations: int = Field(3, ge=1, le=5, description="passes of routing; 1 leaves the couplings uniform")
    gradients: Literal["all", "last"] = Field(
        "all", description="let gradients through all passes of routing, or through the last one only"
    )
    routing: Form = Field(
        "fused", description="routing without the tensors of each pass, or in torch's operators as written; equal"
    )
    decoder: bool = Field(True, description="reconstruct the image from the digit capsule of its class")
    reconstruction_weight: float = Field(
        0.0005, ge=0, le=1, description="factor of the squared reconstruction error, summed over pixels"
    )

    @property
    def label(self) -> str:
        """The number of routing iterations, and settings that differ from the paper."""
        gradients = "" if self.gradients == "all" else ", last-pass gradients"
        return f"r={self.routing_iterations}{gradients}{'' if self.decoder else ', no decoder'}"

    @model_validator(mode="after")
    def _fits(self) -> CapsNetConfig:
        primary_capsules(self.image_size, KERNEL, KERNEL)
        return self


class Decoder(nn.Sequential):
    """Pixels in 0..1 from the digit capsules, of which all but one are masked: layers of 512, 1024 and all pixels."""

    def __init__(self, config: CapsNetConfig) -> None:
        super().__init__(
            nn.Linear(config.classes * DIGIT_POSE, 512),
            nn.ReLU(),
            nn.Linear(512, 1024),
            nn.ReLU(),
            nn.Linear(1024, config.image_channels * config.image_size**2),
            nn.Sigmoid(),
        )


@register("capsnet")
class CapsNet(Variant):
    """Convolution, primary capsules, digit capsules by routing, decoder."""

    Config = CapsNetConfig
    config: CapsNetConfig

    def __init__(self, config: CapsNetConfig) -> None:
        super().__init__(config)
        capsules = primary_capsules(config.image_size, KERNEL, KERNEL)
        self.primary = PrimaryCapsules(config, KERNEL, KERNEL)
        # W_ij, (capsule i, pose, class j, digit pose)
        self.weight = nn.Parameter(torch.empty(capsules, POSE, config.classes, DIGIT_POSE))
        nn.init.normal_(self.weight, std=0.1)
        self.decoder = Decoder(config) if config.decoder else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """Lengths of the digit capsules.

        The decoder gets the digit capsule of the true class if labels are given, else the longest. `details`, in
        evaluation mode: `primary_lengths` (batch, capsule), `couplings` (batch, class, capsule) of the last routing
        iteration, `digits` (batch, class, 16).
        """
        poses = self.primary(images)  # (batch, 8, capsule)
        routing = fused_route if self.config.routing == "fused" else reference_route
        digits, couplings = routing(
            poses, self.weight, self.config.routing_iterations, last_only=self.config.gradients == "last"
        )
        lengths = norm(digits, dim=2)  # of (batch, class, 16)
        reconstruction = self.decode(digits, lengths.argmax(dim=1) if labels is None else labels)
        details = None
        if not self.training:
            details = {
                "primary_lengths": norm(poses, dim=1),
                "couplings": couplings,
                "digits": digits,
            }
        return Output(lengths, reconstruction, details)

    def decode(self, digits: Tensor, classes: Tensor) -> Tensor | None:
        """See `Variant.decode`; the capsules of the other classes are masked (Sabour et al. 2017, section 4.1)."""
        if self.decoder is None:
            return None
        mask = F.one_hot(classes, self.config.classes).to(digits.dtype)
        images: Tensor = self.decoder((digits * mask.unsqueeze(2)).flatten(1))
        return images

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """Margin loss of the lengths and, with a decoder, the weighted reconstruction loss."""
        config = self.config
        loss = margin_loss(output.activities, labels, config.m_plus, config.m_minus, config.down_weight)
        if output.reconstruction is None:
            return loss
        return loss + config.reconstruction_weight * reconstruction_loss(output.reconstruction, images)
