"""Averages of activities and couplings, against the same in NumPy, and their figures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import variants
from harness.analysis.capsule_activity import (
    VALIDATION,
    CapsuleActivity,
    activities_figure,
    averaged_images,
    couplings_figure,
)
from harness.data import Examples
from tests.harness.analysis.fakes import row, rows, trained, y_data
from variants.contract import Config, Output, Variant

CAPSULES, SHOWN = 12, 450


class Capsules(Variant):
    """Activities and couplings that are known functions of the image."""

    Config = Config

    def __init__(self, config: variants.Config, *, couples: bool = True, has_capsules: bool = True) -> None:
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


def train() -> Examples:
    """What is left for validation, and after it images of class 0 with others between them."""
    random = np.random.default_rng(5)
    labels = np.zeros(VALIDATION + 2 * SHOWN, np.uint8)
    labels[VALIDATION::2] = 1
    return Examples(random.integers(0, 256, (len(labels), 8, 8)).astype(np.uint8), labels)


def test_averages_of_all_capsules_and_their_order() -> None:
    model, examples = Capsules(Config(image_size=8, classes=2)), train()
    found = CapsuleActivity().measure(trained(model, examples))
    zeros = examples.images[VALIDATION + 1 :: 2]
    assert len(zeros) == SHOWN
    lengths = (zeros / 255.0).mean(axis=(1, 2))[:, None] * model.weights.double().numpy()
    order = np.argsort(-lengths.mean(axis=0))
    assert found["activities"] == pytest.approx(lengths.mean(axis=0)[order], rel=1e-5)
    assert found["couplings"] == pytest.approx((lengths**2).mean(axis=0)[order], rel=1e-5)  # of class 0
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}  # thousands of them are kept


def test_a_variant_without_couplings_or_without_capsules() -> None:
    config, examples = Config(image_size=8, classes=2), train()
    assert CapsuleActivity().measure(trained(Capsules(config, couples=False), examples)).keys() == {"activities"}
    assert CapsuleActivity().measure(trained(Capsules(config, has_capsules=False), examples)) == {}


def test_images_of_another_size_than_the_models() -> None:
    assert CapsuleActivity().measure(trained(Capsules(Config(image_size=10, classes=2)), train())) == {}


def test_the_papers_5444_zeros(data_dir) -> None:  # type: ignore[no-untyped-def]
    from harness.data.mnist import Mnist

    shown = averaged_images(Mnist().read(data_dir, "train"))
    assert len(shown) == 5444
    assert not shown.labels.any()


def test_rows_with_couplings_have_a_figure_each_and_the_others_one() -> None:
    falling = np.linspace(0.9, 0.1, 400)
    coupled, ladder = {"activities": falling, "couplings": falling / 4}, {"activities": falling}
    shown = rows(row("x", "a", coupled, coupled), row("y", "a", ladder), row("z", "a", ladder), row("cnn", "a", {}))
    first, second = CapsuleActivity().figures(shown)
    assert (first.name, second.name) == ("couplings-x", "activities")
    left, right = first.draw(first.name).figure.axes
    assert y_data(left.lines[0]) == pytest.approx(falling[:100])
    assert y_data(right.lines[0]) == pytest.approx(falling[:100] / 4)
    drawn = second.draw(second.name)
    assert [line.get_label() for line in drawn.figure.axes[0].lines] == ["y", "z"]
    assert len(y_data(drawn.figure.axes[0].lines[0])) == 300
    assert "y 0.90 to 0.30" in drawn.alt_text


def test_lines() -> None:
    left, right = couplings_figure([3.0, 2.0], [0.2, 0.1]).axes
    assert y_data(left.lines[0]).tolist() == [3.0, 2.0]
    assert y_data(right.lines[0]).tolist() == [0.2, 0.1]
    [axes] = activities_figure({"a": [np.array([1.0, 0.5]), np.array([0.8, 0.3])]}).axes
    assert y_data(axes.lines[0]) == pytest.approx(np.array([0.9, 0.4]))


def test_a_row_on_two_tasks_has_figures_of_each() -> None:
    levels = {"a": [0.9, 0.8], "b": [0.2, 0.1]}
    coupled = [row("r", task, {"activities": each, "couplings": [0.3, 0.1]}) for task, each in levels.items()]
    ladders = [row("l", task, {"activities": each}) for task, each in levels.items()]
    found = {each.name: each.draw(each.name) for each in CapsuleActivity().figures(rows(*coupled, *ladders))}
    assert found.keys() == {"couplings-a-r", "couplings-b-r", "activities-a", "activities-b"}
    assert [found[f"couplings-{task}-r"].title for task in levels] == [
        "Activity and coupling, r, a",
        "Activity and coupling, r, b",
    ]
    assert "r" not in found["activities-a"].alt_text.split()
    assert "l 0.20 to 0.10" in found["activities-b"].alt_text
