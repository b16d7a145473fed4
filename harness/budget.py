"""Fit a suite's training into a budget: one fraction of the protocol for all, so that rows stay comparable."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UserError
from harness.trial import TrainingWork

FEWEST = 20  # iterations of a trial that are worth the name of training
STEPS = 40  # of the bisection


@dataclass(frozen=True)
class Cost:
    """Seconds that a trial takes: to get ready, per iteration, and per evaluation of all its tests."""

    setup: float
    iteration: float
    evaluation: float

    def of(self, iterations: int, evaluations: int = 1) -> float:
        """Seconds of a whole trial."""
        return self.setup + iterations * self.iteration + evaluations * self.evaluation


def iterations_at(work: TrainingWork, fraction: float) -> int:
    """Iterations of a trial at a fraction of its protocol."""
    return max(1, round(fraction * work.full_iterations))


def makespan(durations: Sequence[float], slots: int) -> float:
    """When the last of some jobs ends, the longest being started first on `slots` workers."""
    ends = [0.0] * max(1, slots)
    for duration in sorted(durations, reverse=True):
        heapq.heapreplace(ends, ends[0] + duration)
    return max(ends)


def fit_fraction(works: Sequence[TrainingWork], costs: Sequence[Cost], slots: int, seconds: float) -> float:
    """The largest fraction, at most 1, with which all trials end within so many seconds.

    Raises:
        UserError: not even a few iterations of each would fit.
    """

    def total(fraction: float) -> float:
        return makespan(
            [_duration(w, c, fraction) for w, c in zip(works, costs, strict=True)],
            slots,
        )

    least = FEWEST / min(work.full_iterations for work in works)
    if total(min(1.0, least)) > seconds:
        raise UserError(
            f"the budget leaves {max(0, seconds):.0f} s for training, and {FEWEST} iterations of every trial would "
            f"take {total(min(1.0, least)):.0f} s here; raise --budget or take rows out of the suite."
        )
    low, high = min(1.0, least), 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if total(middle) <= seconds else (low, middle)
    return 1.0 if total(1.0) <= seconds else low


def _duration(work: TrainingWork, cost: Cost, fraction: float) -> float:
    iterations = iterations_at(work, fraction)
    epochs = iterations * work.protocol.batch_size / work.train_images
    return cost.of(iterations, evaluations=max(1, int(epochs)))
