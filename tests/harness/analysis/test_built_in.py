"""What the built-in variants show of themselves."""

from __future__ import annotations

import numpy as np
import pytest

import variants
from harness.analysis.measuring import measure_all
from harness.data import Examples
from tests.harness.analysis.fakes import trained


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("cnn", {}, set()),
        ("capsnet", {}, {"reconstructions", "perturbation", "capsule_activity"}),
        ("capsnet", {"decoder": False}, {"capsule_activity"}),
        ("lcapsnet", {"k": 20}, {"pruning_map", "capsule_activity"}),
    ],
)
def test_built_in_variants(name: str, settings: dict[str, object], expected: set[str]) -> None:
    random = np.random.default_rng(1)
    test = Examples(random.integers(0, 256, (20, 28, 28)).astype(np.uint8), np.arange(20, dtype=np.uint8) % 10)
    train = Examples(np.resize(test.images, (5_003, 28, 28)), np.zeros(5_003, np.uint8))
    model = variants.build(name, width=4, **settings)
    found = measure_all(trained(model, test, train=train))
    assert found.keys() == {"mistakes"} | expected
    assert model.training
    if "pruning_map" in expected:
        kept = found["pruning_map"]["kept"]
        assert kept.shape == (10, 6, 6)
        assert kept.sum(axis=(1, 2)) == pytest.approx(20)  # K capsules an image, wherever they lie
        assert found["pruning_map"]["centres"].tolist() == [8, 10, 12, 14, 16, 18]  # 9×9, then 9×9 at stride 2
