"""One dimension of a capsule moved at a time, against the same made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import variants
from harness.analysis.perturbation import OFFSETS, Perturbation, Perturbations, perturbations_figure
from harness.data import Examples
from harness.drawing.images import GAP
from tests.harness.analysis.fakes import POSE, SIZE, drawer, examples, pixels, row, rows, trained


def test_one_dimension_is_moved_at_a_time() -> None:
    found = Perturbation().measure(trained(drawer(), examples()))
    assert int(found["moved_class"]) == 5
    assert found["moved"].shape == (POSE, 11, SIZE, SIZE)
    assert OFFSETS.tolist() == [-0.25, -0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2, 0.25]
    for dimension in range(POSE):
        for number, offset in enumerate(OFFSETS):
            expected = [128] * POSE
            expected[dimension] = round(255 * (0.5 + offset) + 1e-3)
            assert found["moved"][dimension, number].flatten()[:POSE] == pytest.approx(expected, abs=1)
    assert found["moved"][0, 0, 0, 0] == 64  # 255 · 0.25
    assert found["moved"][0, -1, 0, 0] == 191


def test_of_fewer_classes_it_is_the_last_one() -> None:
    test = examples()
    few = Examples(test.images, test.labels % 4)
    assert int(Perturbation().measure(trained(drawer(), few))["moved_class"]) == 3


def test_nothing_without_a_decoder_or_of_images_of_another_size() -> None:
    assert Perturbation().measure(trained(drawer(decodes=False), examples())) == {}
    assert Perturbation().measure(trained(drawer(size=9), examples())) == {}


def test_the_middle_of_the_moved_images_is_the_reconstruction() -> None:
    random = np.random.default_rng(1)
    test = Examples(random.integers(0, 256, (10, 28, 28)).astype(np.uint8), np.arange(10, dtype=np.uint8))
    model = variants.build("capsnet", width=4).eval()
    with torch.inference_mode():
        images = torch.tensor(test.images[5:6]).unsqueeze(1) / 255
        expected = model(images, torch.tensor([5])).reconstruction
        found = Perturbation().measure(trained(model, test))["moved"]
    for dimension in range(16):
        assert found[dimension, 5].flatten() == pytest.approx((expected[0] * 255).numpy(), abs=1)


def test_there_is_a_figure_for_each_row_and_task() -> None:
    images = np.zeros((2, 3, 4, 4), np.uint8)
    images[1, 2] = 99
    moved = {"moved": images, "moved_class": np.array(5)}
    shown = rows(row("x", "a", moved), row("x", "b", moved), row("y", "a", {}))
    specs = list(Perturbation().figures(shown))
    assert [spec.name for spec in specs] == ["moved-a-x", "moved-b-x"]
    drawn = specs[0].draw("moved-a-x")
    assert "by -0.25 to 0.25 in steps of 0.05" in drawn.caption
    assert drawn.alt_text == "Dimension 2 changes the image most, dimension 1 least."


def test_images_are_in_their_places() -> None:
    numbered = np.broadcast_to(np.arange(15, dtype=np.uint8).reshape(3, 5, 1, 1), (3, 5, 4, 4))
    [axes] = perturbations_figure(Perturbations(numbered, 5)).axes
    assert pixels(axes.images[0])[2 * (4 + GAP), 4 * (4 + GAP)] == 14
