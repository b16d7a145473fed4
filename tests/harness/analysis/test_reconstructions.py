"""What decoders make of images, and where they are drawn."""

from __future__ import annotations

import numpy as np

from harness.analysis.reconstructions import Reconstructions, reconstructions_figure
from harness.drawing.images import GAP
from tests.harness.analysis.fakes import POSE, SIZE, drawer, examples, pixels, row, rows, trained


def test_reconstructions_of_the_first_image_of_each_class() -> None:
    test = examples()
    found = Reconstructions().measure(trained(drawer(), test))
    firsts = [test.labels.tolist().index(label) for label in range(10)]
    assert (found["shown"] == test.images[firsts]).all()
    assert found["reconstructed"].shape == (10, SIZE, SIZE)
    assert found["reconstructed"][3].flatten().tolist() == [128] * POSE + [0] * (SIZE * SIZE - POSE)


def test_nothing_without_a_decoder_or_of_images_of_another_size() -> None:
    assert Reconstructions().measure(trained(drawer(decodes=False), examples())) == {}
    assert Reconstructions().measure(trained(drawer(size=9), examples())) == {}


def test_the_figure_tells_how_far_off_they_are() -> None:
    shown = np.full((10, 4, 4), 50, np.uint8)
    decoded = row("x", "a", {"shown": shown, "reconstructed": shown + 7})
    [spec] = Reconstructions().figures(rows(decoded, row("y"), row("z", "a", {})))
    assert spec.name == "reconstructions-a"
    assert spec.draw(spec.name).alt_text == "Mean difference of a pixel: x 7 of 255."


def test_images_are_in_their_places() -> None:
    shown, made = np.full((10, 4, 4), 50, np.uint8), np.full((10, 4, 4), 200, np.uint8)
    [axes] = reconstructions_figure({"a": np.stack([shown, made])}).axes
    drawn = pixels(axes.images[0])
    assert (drawn[0, 0], drawn[4 + GAP, 0]) == (50, 200)
