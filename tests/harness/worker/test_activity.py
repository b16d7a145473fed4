"""Averages of activities and couplings, against the same in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.data import Examples
from harness.worker.activity import activity_of, shown_images
from variants.contract import Config, Output, Variant

CPU = torch.device("cpu")
CAPSULES = 12


class Capsules(Variant):
    """Activities and couplings that are known functions of the image."""

    Config = Config

    def __init__(self, config: Config, *, couples: bool = True, has_capsules: bool = True) -> None:
        super().__init__(config)
        self.couples, self.has_capsules = couples, has_capsules
        self.weights = torch.linspace(0, 1, CAPSULES)[torch.randperm(CAPSULES, generator=torch.manual_seed(0))]

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        means = images.mean(dim=(1, 2, 3))
        lengths = means[:, None] * self.weights
        details = {"primary_lengths": lengths}
        if self.couples:
            details["couplings"] = torch.stack([lengths**2, 1 - lengths], dim=1)
        return Output(torch.zeros(len(images), 2), details=details if self.has_capsules else None)


@pytest.fixture
def examples() -> Examples:
    random = np.random.default_rng(5)
    return Examples(random.integers(0, 256, (450, 8, 8)).astype(np.uint8), np.zeros(450, np.uint8))


def test_averages_of_all_capsules_and_their_order(examples: Examples) -> None:
    model = Capsules(Config(image_size=8, classes=2))
    found = activity_of(model, examples, CPU)
    lengths = (examples.images / 255.0).mean(axis=(1, 2))[:, None] * model.weights.double().numpy()
    order = np.argsort(-lengths.mean(axis=0))
    assert len(found["activities"]) == CAPSULES
    assert found["activities"] == pytest.approx(lengths.mean(axis=0)[order].tolist(), rel=1e-5)
    assert found["couplings"] == pytest.approx((lengths**2).mean(axis=0)[order].tolist(), rel=1e-5)  # of class 0
    assert model.training
    assert all(len(repr(value)) <= 12 for value in found["couplings"])  # thousands of them are kept


def test_a_variant_without_couplings_or_without_capsules(examples: Examples) -> None:
    config = Config(image_size=8, classes=2)
    assert activity_of(Capsules(config, couples=False), examples, CPU).keys() == {"activities"}
    assert activity_of(Capsules(config, has_capsules=False), examples, CPU) == {}


def test_images_of_another_size_than_the_models(examples: Examples) -> None:
    assert activity_of(Capsules(Config(image_size=10, classes=2)), examples, CPU) == {}


def test_the_papers_5444_zeros(data_dir) -> None:  # type: ignore[no-untyped-def]
    from harness.data.mnist import Mnist

    shown = shown_images(Mnist().read(data_dir, "train"))
    assert len(shown) == 5444
    assert not shown.labels.any()
