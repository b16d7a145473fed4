"""Random generators: seeds, states, and what leaves them alone."""

from __future__ import annotations

import random

import numpy as np
import torch

from harness.plugins.foreign_code import state_restored
from harness.randomness import random_state, seed_everything


def test_random_numbers_go_on_as_if_none_had_been_drawn() -> None:
    def draw() -> list[float]:
        return [
            random.random(),
            random.gauss(),
            float(np.random.rand()),
            float(np.random.randn()),
            float(torch.rand(1)),
        ]

    seed_everything(2**32 + 7)
    draw()
    state = random_state()["numpy"]
    with state_restored():
        seed_everything(3)
        inside = draw()
    after = draw()
    seed_everything(2**32 + 7)
    draw()
    assert draw() == after != inside
    seed_everything(3)
    assert draw() == inside
    assert state[3] == 1  # NumPy keeps half of a pair of normal numbers, which counts as well
