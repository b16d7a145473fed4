"""How often something happens in runs made up at random."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Run = Callable[[np.random.Generator], Mapping[str, float]]


@dataclass(frozen=True)
class Mean:
    """The mean of a number, or the share of yes among yes and no, over simulated runs."""

    value: float
    spread: float
    runs: int

    @property
    def error(self) -> float:
        """The standard error that so many runs leave."""
        return self.spread / math.sqrt(self.runs)

    def __str__(self) -> str:
        return f"{self.value:.3f}"


def simulate(run: Run, runs: int, seed: int = 12) -> dict[str, Mean]:
    """The means of what a simulated run gives, by name."""
    random = np.random.default_rng(seed)
    found = [run(random) for _ in range(runs)]
    values = {name: np.array([float(each[name]) for each in found]) for name in found[0]}
    return {name: Mean(float(each.mean()), float(each.std()), runs) for name, each in values.items()}


def most(nominal: float, runs: int) -> float:
    """What a share that is nominally this one may come to in so many runs: four standard errors more."""
    return nominal + 4 * math.sqrt(nominal * (1 - nominal) / runs)


def least(nominal: float, runs: int) -> float:
    """The same, less."""
    return nominal - 4 * math.sqrt(nominal * (1 - nominal) / runs)
