"""In which order trials run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from harness.plan.trial import TimingTrial, TrainingTrial


def by_seeds(
    trials: Iterable[TrainingTrial], planned: Iterable[TrainingTrial], seconds: Callable[[TrainingTrial], float]
) -> list[TrainingTrial]:
    """Training trials: the first seeds of all rows on all tasks, then all second ones; in each place the longest first.

    A run that is stopped early then lacks seeds of every row, and no row.

    Arguments:
        planned: all training trials of the plan, the seeds of a row in their order.
        seconds: what a trial takes, or what grows with it.
    """
    places = places_of_seeds(planned)
    return sorted(trials, key=lambda trial: turn(places[trial.key], seconds(trial)))


def places_of_seeds(planned: Iterable[TrainingTrial]) -> dict[str, int]:
    """The place of each training trial's seed among those of its row and task, from 0, by the trial's key."""
    seen: Counter[tuple[int, str]] = Counter()
    places = {}
    for trial in planned:
        places[trial.key] = seen[trial.row, trial.task]
        seen[trial.row, trial.task] += 1
    return places


def turn(place: int, seconds: float) -> tuple[int, float]:
    """What training trials are sorted by: the place of the seed, then how long the trial takes, the longest first."""
    return place, -seconds


def in_mirrored_rounds(trials: Iterable[TimingTrial], random: Random) -> list[TimingTrial]:
    """Timed trials round after round, the first two in one drawn order and its reverse, the next two likewise.

    In two such rounds a machine that becomes steadily slower slows every row equally.

    Arguments:
        trials: all that are planned, in any order; then what is drawn depends on nothing but `random`.
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
