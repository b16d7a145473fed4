"""A plugin for the tests: a variant and a dataset that are run through in a moment, and fail when told to."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from harness.data import Dataset, Examples, TaskData
from harness.data import register as register_dataset
from variants import Config, Output, Variant, register

SIDE, TRAIN, TEST = 12, 120, 45


class TinyConfig(Config):
    """Configuration of the tiny variant."""

    hidden: int = Field(6, ge=1, le=64, description="hidden units")
    pause: float = Field(0.0, ge=0, le=10, description="seconds that the loss takes longer")
    poison: int = Field(-1, ge=-1, description="iteration from which the loss is not a number")
    fails: bool = Field(False, description="raise when built")
    killed_once: str = Field("", description="a file; where it is missing, the process makes it and dies")
    witness: str = Field("", description="a folder; each process leaves a file with what it sees of the GPUs")

    @property
    def label(self) -> str:
        """The number of hidden units."""
        return f"h={self.hidden}"


@register("tiny")
class Tiny(Variant):
    """Two matrix products with dropout between them, so that its training depends on the random state."""

    Config = TinyConfig
    config: TinyConfig

    def __init__(self, config: TinyConfig) -> None:
        super().__init__(config)
        if config.fails:
            raise ValueError("told to\nfail [here]")
        self.hidden = nn.Linear(config.image_size**2, config.hidden)
        self.classes = nn.Linear(config.hidden, config.classes)
        self.losses = 0
        if config.witness:
            seen = os.environ.get("CUDA_VISIBLE_DEVICES", "none")
            (Path(config.witness) / str(os.getpid())).write_text(seen)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """See `Variant.forward`."""
        hidden = torch.relu(self.hidden(images.flatten(1)))
        return Output(self.classes(F.dropout(hidden, 0.2, self.training)))

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, after what the configuration asks for."""
        config = self.config
        if config.pause:
            time.sleep(config.pause)
        if config.killed_once and not Path(config.killed_once).exists():
            Path(config.killed_once).touch()
            os._exit(1)
        loss = F.cross_entropy(output.activities, labels)
        self.losses += 1
        return loss * float("nan") if 0 <= config.poison < self.losses else loss


@register_dataset("tiny-digits")
class TinyDigits(Dataset):
    """Four patterns under noise, 12×12; a second test set has more noise."""

    name = "tiny-digits"
    image_size = SIDE
    classes = 4
    train_size = TRAIN

    def digest(self, folder: Path) -> str:
        return "tiny-digits-1"

    def test_names(self, folder: Path) -> list[str]:
        return ["tiny-digits", "noisy"]

    def fetch(self, folder: Path, progress: object) -> None:
        pass

    def load(self, folder: Path) -> TaskData:
        tests = {"tiny-digits": _examples(2, TEST, 40), "noisy": _examples(3, TEST, 120)}
        return TaskData(_examples(1, TRAIN, 40), tests)


def _examples(seed: int, count: int, noise: int) -> Examples:
    patterns = np.random.Generator(np.random.PCG64(0)).integers(0, 130, (4, SIDE, SIDE))
    random = np.random.Generator(np.random.PCG64(seed))
    labels = random.integers(0, 4, count)
    images = patterns[labels] + random.integers(0, noise, (count, SIDE, SIDE))
    return Examples(images.astype(np.uint8), labels.astype(np.uint8))
