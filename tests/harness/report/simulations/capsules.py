"""What a report says of capsules of which nothing is true but what chance makes of them."""

from __future__ import annotations

import numpy as np

from tests.harness.report.simulations.chances import Run
from tests.harness.report.simulations.reports import claim, decided, of_activity, rows

LEVELS = np.array([0.9] * 50 + [0.1] * 250)  # mean activities of capsules, active and inactive
CLEARER = claim("clearer_separation", of=rows("ladder"), than=rows("capsnet"))
FOLLOWS = claim("coupling_follows_activity", of=rows("capsnet"))


def separated(ours: int, theirs: int) -> Run:
    """Two rows of so many models that are as clear as each other, more or less."""

    def models(random: np.random.Generator, seeds: int) -> list[dict[str, np.ndarray]]:
        noises = random.uniform(0.02, 0.2, seeds)
        return [{"activities": LEVELS + random.normal(0, noise, len(LEVELS))} for noise in noises]

    def run(random: np.random.Generator) -> dict[str, bool]:
        evidence = of_activity({"ladder": models(random, ours), "capsnet": models(random, theirs)})
        return decided([CLEARER], evidence)

    return run


def coupled(seeds: int, follows: float = 0.0) -> Run:
    """Models whose couplings are smooth from capsule to capsule, and follow activities as far as is asked for."""
    activities = np.linspace(0.9, 0.1, 100)

    def run(random: np.random.Generator) -> dict[str, bool]:
        walks = np.cumsum(random.normal(0, 1, (seeds, 100)), axis=1) + follows * 100 * activities
        models = [{"activities": activities, "couplings": walk} for walk in walks]
        return decided([FOLLOWS], of_activity({"capsnet": models}))

    return run
