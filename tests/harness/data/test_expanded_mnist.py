import hashlib
from pathlib import Path

import numpy as np
import pytest

from harness.data import ExpandedMnist, Mnist, expanded_mnist, idx
from harness.errors import UserError


def test_test_set_is_the_same_bytes_everywhere(data_dir: Path) -> None:
    digits = Mnist().read(data_dir, "t10k").images
    content = idx.dump(expanded_mnist.expanded(digits))
    assert hashlib.sha256(content).hexdigest() == expanded_mnist.EXPANDED_SHA256


def test_all_169_places_occur_and_no_pixel_is_lost() -> None:
    # One lit corner of each image shows where it lies.
    images = np.zeros((10_000, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 27, 27] = 1, 2
    placed = expanded_mnist.expanded(images)
    assert placed.shape == (10_000, 40, 40)
    assert (placed.sum(axis=(1, 2)) == 3).all()
    tops, lefts = np.nonzero(placed == 1)[1:]
    assert set(zip(tops.tolist(), lefts.tolist(), strict=True)) == {(y, x) for y in range(13) for x in range(13)}


def test_task_trains_on_small_images_and_tests_on_large(data_dir: Path) -> None:
    data = ExpandedMnist().load(data_dir)
    assert data.train.images.shape == (60_000, 28, 28)
    assert list(data.tests) == ExpandedMnist().test_names(data_dir) == ["expanded-mnist"]
    assert data.tests["expanded-mnist"].images.shape == (10_000, 40, 40)


def test_other_bytes_are_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expanded_mnist, "SEED", 1)
    with pytest.raises(UserError, match="comes out differently on this machine"):
        expanded_mnist.expanded_test(data_dir)
