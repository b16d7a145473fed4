"""The ladder capsule network (Jeong, Lee, Kim 2019), as described in the paper or as in its authors' code.

The two differ in many places; `reading` selects one of them. At K=70, 28×28 and 9×9 kernels the paper's
reading has 42.8M parameters and the authors' 80.9M. Which of them produced the paper's tables is not known.

Where the paper leaves a choice open, both readings follow the authors' code: the selected capsules are in the order of
their indices (section 3.1 speaks of the "m-th lowest activity level", but Figure 2 and section 3.3, where the code
vector alone identifies the capsule of a row, need the index); equation 3 squashes each row, not the whole matrix; every
class has its own networks; initial values are Xavier's.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from variants import register
from variants.contract import Form, Output, Variant
from variants.layers.capsules import (
    POSE,
    TYPES,
    PrimaryCapsules,
    PrimaryConfig,
    norm,
    primary_capsules,
    primary_centres,
    primary_grid,
    squash,
)
from variants.layers.ladder import (
    ClassLinear,
    CodeNetwork,
    FusedPropagation,
    FusedRegression,
    ReferencePropagation,
    ReferenceRegression,
    prune,
)
from variants.layers.losses import MarginConfig, code_distance, margin_loss, mean_code_difference, regression_error_loss


class LCapsNetConfig(MarginConfig, PrimaryConfig):
    """Configuration of L-CapsNet; the margins are those of the paper's reading."""

    k: int = Field(70, ge=1, le=100_000, description="K, the number of capsules that pruning keeps")
    kernel: Literal[9, 15] = Field(
        9,
        description="9: both kernels 9×9; 15: PrimaryCaps 15×15, from 40 pixels on the first layer too",
    )
    reading: Literal["paper", "authors"] = Field(
        "paper", description="follow the paper, or the code its authors published, where the two differ"
    )
    propagation: Form = Field(
        "fused",
        description="equations 1 and 2 without the tensors f and f^reg, or with them as written; equal",
    )
    gamma: float = Field(5.12, ge=0, le=1000, description="γ of equation 4 (paper's reading)")
    epsilon: float = Field(1e-4, ge=0, le=1, description="ε, factor of the regulariser of the code vector")
    error_margin: float = Field(
        0.8, ge=0, le=2, description="an absent class's error should be larger than this (authors' reading)"
    )

    @property
    def label(self) -> str:
        """K, the kernel and, if it is the authors', the reading."""
        authors = ", authors' reading" if self.reading == "authors" else ""
        return f"K={self.k} {self.kernel}×{self.kernel}{authors}"

    def kernels(self) -> tuple[int, int]:
        """Kernel sizes of the first convolution and of PrimaryCaps (section 5.2)."""
        return (15 if self.kernel == 15 and self.image_size >= 40 else 9), self.kernel

    @model_validator(mode="after")
    def _fits(self) -> LCapsNetConfig:
        capsules = primary_capsules(self.image_size, *self.kernels())
        if self.k > capsules:
            raise ValueError(
                f"k {self.k} is more than the {capsules} primary capsules of {self.image_size}-pixel images with "
                f"kernel {self.kernel}; lower k to at most {capsules}"
            )
        return self


@register("lcapsnet")
class LCapsNet(Variant):
    """Convolution, primary capsules, pruning, propagation to digit capsules, regression of the selected capsules."""

    Config = LCapsNetConfig
    config: LCapsNetConfig

    def __init__(self, config: LCapsNetConfig) -> None:
        super().__init__(config)
        k, classes = config.k, config.classes
        authors = config.reading == "authors"
        code = primary_capsules(config.image_size, *config.kernels())
        # Table 1; the authors' code has the widths in the opposite order, and uses K for all layers of p
        widths = (code, 128, 256, 384) if authors else (code, 384, 256, 128)
        shares = (code, k, k, k) if authors else (code, 3 * k, 2 * k, k)
        is_fused = config.propagation == "fused"
        propagation = FusedPropagation if is_fused else ReferencePropagation
        regression = FusedRegression if is_fused else ReferenceRegression
        # the weights of f and f^reg belong to a capsule's position among the selected, so their order matters
        self.primary = PrimaryCapsules(config, *config.kernels(), relu=authors, types_last=authors)
        self.f_hidden = CodeNetwork(classes, widths)
        self.f = propagation(classes, widths[-1], k)
        self.f_reg_hidden = CodeNetwork(classes, widths)
        self.f_reg = regression(classes, widths[-1], k)
        self.p_hidden = CodeNetwork(classes, shares)
        self.p = ClassLinear(classes, k, k)
        for convolution in (self.primary.features, self.primary.capsules):
            nn.init.xavier_uniform_(convolution.weight)
            if convolution.bias is not None:
                nn.init.zeros_(convolution.bias)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """Activities d_j (equation 4); in the authors' reading the negative errors of the regression.

        `details`: `code` and `primary_lengths`, both (batch, capsule): the code vector c and the activities A of the
        primary capsules; in evaluation mode also `kept` and `centres`, see `Output`.
        """
        poses = self.primary(images)  # (batch, 8, capsule)
        lengths = norm(poses, dim=1)  # ‖squash(t)‖ = ‖t‖²/(1+‖t‖²) = a
        selected, code = prune(poses, lengths, self.config.k)  # (batch, 8, K), (batch, capsule)
        contributions = torch.sigmoid(self.p(self.p_hidden(code)))  # p_j|i, (class, batch, K)
        weighted = (contributions.unsqueeze(2) * selected).flatten(2)  # (class, batch, 8 · K)
        s = self.f(self.f_hidden(code), weighted)  # equation 1, (class, batch, 16)
        if self.config.reading == "authors":
            s = s / (norm(s, dim=2, keepdim=True) + 1e-8)
        regressed = self.f_reg(self.f_reg_hidden(code), s).unflatten(2, (POSE, -1))  # equation 2
        distances = squash(regressed, dim=2) - selected  # equation 3; (class, batch, 8, K)
        details = {"code": code, "primary_lengths": lengths}
        if not self.training:
            grid = primary_grid(self.config.image_size, *self.config.kernels())
            authors = self.config.reading == "authors"
            details["kept"] = code.unflatten(1, (grid, grid, TYPES) if authors else (TYPES, grid, grid)).sum(
                dim=3 if authors else 1
            )
            details["centres"] = primary_centres(self.config.image_size, *self.config.kernels()).to(code.device)
        return Output(self._activities(distances), details=details)

    def _activities(self, distances: Tensor) -> Tensor:
        if self.config.reading == "authors":
            return -norm(distances, dim=2).mean(dim=2).t()
        squared = distances.square().sum(dim=2).mean(dim=2)  # (1/K) Σ_i ‖u_i^reg − u_i‖²
        return torch.exp(-self.config.gamma * squared).t()  # equation 4, (batch, class)

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """L = L^margin + ε ‖c − A‖² (section 4), or the loss of the authors' code."""
        assert output.details is not None
        code, lengths = output.details["code"], output.details["primary_lengths"]
        config = self.config
        if config.reading == "authors":
            errors = regression_error_loss(-output.activities, labels, config.error_margin)
            return errors + config.epsilon * mean_code_difference(code, lengths)
        margin = margin_loss(output.activities, labels, config.m_plus, config.m_minus, config.down_weight)
        return margin + config.epsilon * code_distance(code, lengths)
