"""Variants whose time is known, to test the clock with: one that waits, and one that computes a little more or less."""

from __future__ import annotations

import time

import torch
from pydantic import Field
from torch import Tensor, nn

from variants import Config, Output, Variant, register


class ClockConfig(Config):
    """Configuration of a variant that takes a known time."""

    seconds: float = Field(0.1, gt=0, le=10, description="from the begin of a forward pass to the end of the loss")

    @property
    def label(self) -> str:
        """The time."""
        return f"{1000 * self.seconds:g} ms"


class _Scores(Variant):
    """One small layer, so that there is something to train."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.scores = nn.Linear(config.image_size**2, config.classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """See `Variant.forward`."""
        self.begun = time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
        return Output(self.scores(images.flatten(1)))

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, then what takes the time."""
        loss = nn.functional.cross_entropy(output.activities, labels)
        self.take_time()
        return loss

    def take_time(self) -> None:
        """What an iteration is for."""
        raise NotImplementedError


@register("clock")
class Clock(_Scores):
    """Busy until a moment has come, by the kernel's raw clock, which is not the one that times are taken with."""

    Config = ClockConfig
    config: ClockConfig

    def take_time(self) -> None:
        """See `_Scores.take_time`."""
        until = self.begun + self.config.seconds
        while time.clock_gettime(time.CLOCK_MONOTONIC_RAW) < until:
            pass


class WorkConfig(Config):
    """Configuration of a variant that does a known amount of arithmetic."""

    products: int = Field(100, ge=1, le=100_000, description="matrix products in a training iteration")
    copy_number: int = Field(1, ge=1, le=100, description="a name only, so that the same work can be timed twice")

    @property
    def label(self) -> str:
        """The amount, and which copy."""
        return f"{self.products} products, copy {self.copy_number}"


@register("work")
class Work(_Scores):
    """So many products of matrices that lie in the cache."""

    Config = WorkConfig
    config: WorkConfig

    def __init__(self, config: WorkConfig) -> None:
        super().__init__(config)
        self.matrix = nn.Buffer(torch.eye(256), persistent=False)
        self.result = nn.Buffer(torch.empty(256, 256), persistent=False)

    def take_time(self) -> None:
        """See `_Scores.take_time`."""
        for _ in range(self.config.products):
            torch.mm(self.matrix, self.matrix, out=self.result)
