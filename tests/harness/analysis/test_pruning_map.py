"""Where pruning keeps capsules: the means by class, and that they lie over the pixels that they see."""

from __future__ import annotations

import numpy as np
import pytest

from harness.analysis.pruning_map import PruningMap, PruningMaps, maps_figure
from tests.harness.analysis.fakes import drawer, examples, pixels, row, rows, trained


def test_positions_that_are_kept() -> None:
    test = examples(450)  # three batches
    found = PruningMap().measure(trained(drawer(), test))
    of_three = test.images[test.labels == 3]
    quarters = of_three.reshape(-1, 2, 4, 2, 4).sum(axis=(2, 4)) / 255
    assert found["kept"][3] == pytest.approx(quarters.mean(axis=0), rel=1e-5)
    assert (found["mean_images"][3] == of_three.mean(axis=0).astype(np.uint8)).all()
    assert found["centres"].tolist() == [1.5, 5.5]


def test_nothing_without_pruning_or_of_images_of_another_size() -> None:
    assert PruningMap().measure(trained(drawer(decodes=False), examples())) == {}
    assert PruningMap().measure(trained(drawer(size=9), examples())) == {}


def test_share_of_what_is_kept_where_there_is_ink() -> None:
    image = np.zeros((1, 8, 8), np.uint8)
    image[0, 4, 4] = 200
    image[0, 2, 6] = 49  # less than a quarter of that
    counts = np.zeros((1, 3, 3))
    counts[0, 1, 1], counts[0, 0, 2] = 6, 2
    kept = {"kept": counts, "centres": np.array([2.0, 4.0, 6.0]), "mean_images": image}
    [spec] = PruningMap().figures(rows(row("a", "mnist", kept), row("b", "mnist")))
    assert spec.name == "kept-mnist"
    assert "a 75%" in spec.draw(spec.name).alt_text


def test_kept_positions_lie_over_the_pixels_they_see() -> None:
    """Positions two pixels apart, each as wide as that: the first one from the middle of pixel 7 to that of 9."""
    counts = np.arange(1, 19, dtype=float).reshape(2, 3, 3)
    figure = maps_figure({"a": PruningMaps(counts, np.array([8.0, 10.0, 12.0]), np.zeros((2, 28, 28), np.uint8))})
    overlay = figure.axes[0].images[1]
    assert overlay.get_extent() == [-0.5, 57.5, 27.5, -0.5]
    shown = np.ma.filled(pixels(overlay), 0)
    assert shown.shape == (2 * 28, 2 * 58)  # halves of pixels
    assert shown[:15].sum() == shown[:, :15].sum() == shown[27:].sum() == 0
    for number in range(2):
        left = 2 * 30 * number + 15
        assert shown[15:27:4, left : left + 12 : 4].tolist() == counts[number].tolist()
        assert shown[18:27:4, left + 3 : left + 12 : 4].tolist() == counts[number].tolist()
    assert shown.sum() == 16 * counts.sum()
