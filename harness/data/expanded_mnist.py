"""Expanded MNIST: a digit at a random place on a black 40×40 canvas (Sabour, Frosst, Hinton 2017, 5.1).

There are 13×13 = 169 positions, offsets 0..12 in both directions, and no pixel is lost. In training every epoch draws
new positions; the test digits have one fixed position each.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from harness.data import idx
from harness.data.dataset import Dataset, Examples, Progress, TaskData, register
from harness.data.mnist import Mnist
from harness.data.placement import place
from harness.data.rng import Stream
from harness.data.verification import IdxFile, confirmed

VERSION = 1  # raised with every change of the bytes
SEED = 0
CANVAS = 40

EXPANDED_SHA256 = "b324fc92527b9a59aa14a003019a6f0fb38e2589a5b4d59b316ba94098a490d6"
PLACED_TEST = IdxFile("expanded-test-images-idx3-ubyte", 16 + 10_000 * CANVAS * CANVAS, EXPANDED_SHA256)


def expanded(images: np.ndarray) -> np.ndarray:
    """Images (n, h, w), each at its fixed random position: (n, 40, 40) uint8, the same on every machine."""
    count, height, width = images.shape
    top = Stream("expanded-mnist", VERSION, SEED, "top").below(CANVAS - height + 1, count)
    left = Stream("expanded-mnist", VERSION, SEED, "left").below(CANVAS - width + 1, count)
    return place(images, top, left, CANVAS)


def expanded_test(folder: Path) -> Examples:
    """The MNIST test digits at their positions.

    Raises:
        UserError: MNIST is missing, or this machine computes other positions.
    """
    digits = Mnist().read(folder, "t10k")
    images = expanded(digits.images)
    confirmed(idx.dump(images), PLACED_TEST)
    return Examples(images, digits.labels)


@register("expanded-mnist")
class ExpandedMnist(Dataset):
    """MNIST digits at random positions of a 40×40 canvas, in training and in the test."""

    name = "expanded-mnist"
    image_size = CANVAS
    classes = 10
    train_size = 60_000

    def digest(self, folder: Path) -> str:
        joined = Mnist().digest(folder) + PLACED_TEST.sha256
        return f"{self.name}-v{VERSION}-{hashlib.sha256(joined.encode()).hexdigest()[:16]}"

    def test_names(self, folder: Path) -> list[str]:
        return [self.name]

    def fetch(self, folder: Path, progress: Progress) -> None:
        Mnist().fetch(folder, progress)

    def load(self, folder: Path) -> TaskData:
        return TaskData(train=Mnist().read(folder, "train"), tests={self.name: expanded_test(folder)})
