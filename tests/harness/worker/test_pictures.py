"""What a model shows of itself, against the same made by hand; and what the built-in variants give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import variants
from harness.data import Examples
from harness.worker.pictures import LOOKED_AT, MISTAKES, OFFSETS, pictures_of
from variants.contract import Config, Output, Variant

CPU = torch.device("cpu")
SIZE, POSE = 8, 3


class Drawer(Variant):
    """Its digit capsules are one half everywhere, its decoder writes them into the first pixels."""

    Config = Config

    def __init__(self, config: Config, *, decodes: bool = True) -> None:
        super().__init__(config)
        self.decodes = decodes

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        digits = torch.full((len(images), self.config.classes, POSE), 0.5)
        kept = torch.nn.functional.avg_pool2d(images[:, 0], 4) * 16  # the ink of each quarter
        details = {"digits": digits, "kept": kept, "centres": torch.tensor([1.5, 5.5])}
        activities = torch.zeros(len(images), self.config.classes)
        return Output(activities, self.decode(digits, activities.argmax(1)), details if self.decodes else None)

    def decode(self, digits: Tensor, classes: Tensor) -> Tensor | None:
        if not self.decodes:
            return None
        pixels = torch.zeros(len(digits), SIZE * SIZE)
        pixels[:, :POSE] = digits[torch.arange(len(digits)), classes]
        return pixels


@pytest.fixture
def test() -> Examples:
    random = np.random.default_rng(5)
    return Examples(
        random.integers(0, 256, (90, SIZE, SIZE)).astype(np.uint8), random.integers(0, 10, 90).astype(np.uint8)
    )


def test_first_mistakes(test: Examples) -> None:
    predictions = test.labels.copy()
    wrong = np.arange(20, 20 + 2 * MISTAKES, 2)
    predictions[wrong] += 1
    found = pictures_of(Drawer(Config(image_size=SIZE)), test, predictions, CPU)
    assert found["mistakes_at"].tolist() == wrong[:MISTAKES].tolist()
    assert (found["mistakes"] == test.images[wrong[:MISTAKES]]).all()


def test_reconstructions_of_the_first_image_of_each_class(test: Examples) -> None:
    found = pictures_of(Drawer(Config(image_size=SIZE)), test, test.labels, CPU)
    firsts = [test.labels.tolist().index(label) for label in range(10)]
    assert (found["shown"] == test.images[firsts]).all()
    assert found["reconstructed"].shape == (10, SIZE, SIZE)
    assert found["reconstructed"][3].flatten().tolist() == [128] * POSE + [0] * (SIZE * SIZE - POSE)


def test_one_dimension_is_moved_at_a_time(test: Examples) -> None:
    found = pictures_of(Drawer(Config(image_size=SIZE)), test, test.labels, CPU)
    assert int(found["moved_class"]) == 5
    assert found["moved"].shape == (POSE, 11, SIZE, SIZE)
    for dimension in range(POSE):
        for number, offset in enumerate(OFFSETS):
            expected = [128] * POSE
            expected[dimension] = round(255 * (0.5 + offset) + 1e-3)
            assert found["moved"][dimension, number].flatten()[:POSE] == pytest.approx(expected, abs=1)
    assert found["moved"][0, 0, 0, 0] == 64  # 255 · 0.25
    assert found["moved"][0, -1, 0, 0] == 191


def test_positions_that_are_kept(test: Examples) -> None:
    found = pictures_of(Drawer(Config(image_size=SIZE)), test, test.labels, CPU)
    of_three = test.images[test.labels == 3]
    quarters = of_three.reshape(-1, 2, 4, 2, 4).sum(axis=(2, 4)) / 255
    assert found["kept"][3] == pytest.approx(quarters.mean(axis=0), rel=1e-5)
    assert (found["mean_images"][3] == of_three.mean(axis=0).astype(np.uint8)).all()
    assert found["centres"].tolist() == [1.5, 5.5]


def test_a_variant_that_shows_nothing_and_images_of_another_size(test: Examples) -> None:
    only_mistakes = {"mistakes", "mistakes_at"}
    assert pictures_of(Drawer(Config(image_size=SIZE), decodes=False), test, test.labels, CPU).keys() == only_mistakes
    assert pictures_of(Drawer(Config(image_size=9)), test, test.labels, CPU).keys() == only_mistakes


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("cnn", {}, set()),
        ("capsnet", {}, {"shown", "reconstructed", "moved", "moved_class"}),
        ("capsnet", {"decoder": False}, set()),
        ("lcapsnet", {"k": 20}, {"kept", "centres", "mean_images"}),
    ],
)
def test_built_in_variants(name: str, settings: dict[str, object], expected: set[str]) -> None:
    random = np.random.default_rng(1)
    test = Examples(random.integers(0, 256, (20, 28, 28)).astype(np.uint8), np.arange(20, dtype=np.uint8) % 10)
    model = variants.build(name, width=4, **settings)
    found = pictures_of(model, test, test.labels, CPU)
    assert found.keys() == {"mistakes", "mistakes_at"} | expected
    assert model.training
    if "kept" in expected:
        assert found["kept"].shape == (10, 6, 6)
        assert found["kept"].sum(axis=(1, 2)) == pytest.approx(20)  # K capsules an image, wherever they lie
        assert found["centres"].tolist() == [8, 10, 12, 14, 16, 18]  # 9×9, then 9×9 at stride 2
    assert len(test) <= LOOKED_AT


def test_the_middle_of_the_moved_images_is_the_reconstruction() -> None:
    random = np.random.default_rng(1)
    test = Examples(random.integers(0, 256, (10, 28, 28)).astype(np.uint8), np.arange(10, dtype=np.uint8))
    model = variants.build("capsnet", width=4)
    images = torch.tensor(test.images[5:6]).unsqueeze(1) / 255
    model.eval()
    with torch.inference_mode():
        expected = model(images, torch.tensor([5])).reconstruction
    found = pictures_of(model, test, test.labels, CPU)["moved"]
    for dimension in range(16):
        assert found[dimension, 5].flatten() == pytest.approx((expected[0] * 255).numpy(), abs=1)
