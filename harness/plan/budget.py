"""Fit a suite's training into a budget: every trial runs the same fraction of its protocol."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UserError
from harness.plan.order import turn
from harness.plan.trial import TrainingWork

FEWEST = 20  # iterations of every trial that a budget has to allow
STEPS = 40  # of the bisection


@dataclass(frozen=True)
class Cost:
    """Seconds that a trial takes for its setup, an iteration, and an evaluation on all its tests."""

    setup: float
    iteration: float
    evaluation: float

    def of(self, iterations: int, evaluations: int = 1) -> float:
        """Return the seconds of a whole trial."""
        return self.setup + iterations * self.iteration + evaluations * self.evaluation


def iterations_at(work: TrainingWork, fraction: float) -> int:
    """Return the iterations of a trial at a fraction of its protocol."""
    return max(1, round(fraction * work.full_iterations))


def seconds_of(work: TrainingWork, cost: Cost, iterations: int) -> float:
    """Return the seconds of a trial of so many iterations, with an evaluation after each whole epoch, at least one."""
    epochs = iterations * work.protocol.batch_size / work.train_images
    return cost.of(iterations, evaluations=max(1, int(epochs)))


def makespan(durations: Sequence[float], slots: int) -> float:
    """Return the makespan of list scheduling: each job starts, in order, on the first of `slots` workers to be free."""
    ends = [0.0] * max(1, slots)
    for duration in durations:
        heapq.heapreplace(ends, ends[0] + duration)
    return max(ends)


def fit_fraction(
    works: Sequence[TrainingWork], costs: Sequence[Cost], places: Sequence[int], slots: int, seconds: float
) -> float:
    """Return the largest fraction, at most 1, with which all trials end within `seconds`, found by bisection.

    Arguments:
        places: the place of each trial's seed, which decides the order of trials (`harness.plan.order.by_seeds`).

    Raises:
        UserError: not even `FEWEST` iterations of each trial would fit.
    """

    def total(fraction: float) -> float:
        durations = [seconds_of(w, c, iterations_at(w, fraction)) for w, c in zip(works, costs, strict=True)]
        in_turn = sorted(zip(places, durations, strict=True), key=lambda each: turn(*each))
        return makespan([duration for _, duration in in_turn], slots)

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
