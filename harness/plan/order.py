"""The order in which trials run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from harness.plan.trial import TimingTrial, TrainingTrial


def by_seeds(
    trials: Iterable[TrainingTrial], planned: Iterable[TrainingTrial], seconds: Callable[[TrainingTrial], float]
) -> list[TrainingTrial]:
    """Sort training trials: the first seeds of all rows and tasks, then all second ones; the longest first in each.

    A run that is stopped early then lacks seeds of every row, and no row.

    Arguments:
        planned: all training trials of the plan, the seeds of a row in their order.
        seconds: the duration of a trial, or a number that grows with it.
    """
    places = places_of_seeds(planned)
    return sorted(trials, key=lambda trial: turn(places[trial.key], seconds(trial)))


def places_of_seeds(planned: Iterable[TrainingTrial]) -> dict[str, int]:
    """Return the place of each training trial's seed among those of its row and task, from 0, by the trial's key."""
    seen: Counter[tuple[int, str]] = Counter()
    places = {}
    for trial in planned:
        places[trial.key] = seen[trial.row, trial.task]
        seen[trial.row, trial.task] += 1
    return places


def turn(place: int, seconds: float) -> tuple[int, float]:
    """Return the sort key of a training trial: the place of its seed, then its duration, the longest first."""
    return place, -seconds


def in_mirrored_rounds(trials: Iterable[TimingTrial], random: Random) -> list[TimingTrial]:
    """Sort timed trials by rounds: the first two in a random order and its reverse, the next two likewise.

    Over two such rounds a machine that becomes steadily slower slows every row equally.

    Arguments:
        trials: all that are planned, in any order, so that the result depends on `random` alone.
    """
    rounds: dict[int, list[TimingTrial]] = {}
    for trial in sorted(trials, key=lambda each: (each.round, each.row)):
        rounds.setdefault(trial.round, []).append(trial)
    rows = sorted({trial.row for each in rounds.values() for trial in each})
    ordered: list[TimingTrial] = []
    for number in range(0, 1 + max(rounds, default=-1), 2):
        random.shuffle(rows)
        places = {row: place for place, row in enumerate(rows)}
        ordered += sorted(rounds.get(number, ()), key=lambda each: places[each.row])
        ordered += sorted(rounds.get(number + 1, ()), key=lambda each: -places[each.row])
    return ordered
