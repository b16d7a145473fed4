"""Methods, the models that their seeds train, and what these get wrong on images of which some are harder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.report.tables.pairs import Mistakes

ALIKE = 1.2  # of the beta distribution of difficulty: two models' mistakes are correlated by 1/(1 + 1.2) = 0.45
OWN = 0.2  # by this the difference of two methods varies by 0.2 points from 10,000 images to others


@dataclass(frozen=True)
class Method:
    """A row whose models' true errors are normal about that of the method; percent and points."""

    error: float = 12.5
    sd: float = 0.5
    seeds: int = 3


def trained(
    random: np.random.Generator,
    methods: Sequence[Method],
    images: int = 10_000,
    own: float = OWN,
    same_images: bool = False,
) -> list[Mistakes]:
    """The mistakes of each method's models, all on the same images.

    A model errs on each image with a probability of its own, whose mean over all images that there are is exactly the
    model's true error.

    Arguments:
        own: the share of images that each method finds as hard as if it were the only one.
        same_images: whether a method's true error is that on these very images, and not on all that there are.
    """
    errors = [random.normal(each.error, each.sd, each.seeds).clip(0.01, 99) / 100 for each in methods]
    highest = max(float(each.max()) for each in errors)
    common = _difficulty(random, highest, images)
    true = np.zeros(images, dtype=np.uint8)
    found = []
    for row in errors:
        hard = common.copy()
        its_own = random.random(images) < own
        hard[its_own] = _difficulty(random, highest, int(its_own.sum()))
        hard = hard * (highest / hard.mean()) if same_images else hard
        chances = ((row / highest)[:, None] * hard).astype(np.float32)
        wrong = random.random((len(row), images), dtype=np.float32) < chances
        found.append(Mistakes(true, dict(enumerate(wrong))))
    return found


def _difficulty(random: np.random.Generator, mean: float, images: int) -> np.ndarray:
    return random.beta(mean * ALIKE, (1 - mean) * ALIKE, images)
