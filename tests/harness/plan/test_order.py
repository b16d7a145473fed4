"""The order in which trials run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.plan.make import make_plan
from harness.plan.order import by_seeds, in_mirrored_rounds
from harness.plan.trial import TimingTrial, TimingWork, TrainingTrial
from harness.suite.load import load_suite
from harness.suite.protocol import TimingProtocol

SUITE = """
name: three
protocols: {short: {batch_size: 50, epochs: 2, learning_rate: 0.001}}
errors:
  tasks: [mnist, affnist]
  seeds: {mnist: [3, 1], affnist: [0]}
  rows:
    - {variant: cnn, config: {width: 8}, protocol: short}
    - {variant: capsnet, config: {width: 8}, protocol: short, seeds: {affnist: [7, 5, 6]}}
"""
SECONDS = {("cnn", "mnist"): 1.0, ("cnn", "affnist"): 3.0, ("capsnet", "mnist"): 2.0, ("capsnet", "affnist"): 4.0}


def planned(write: Callable[..., Path]) -> list[TrainingTrial]:
    return make_plan(load_suite(write(SUITE)), Path("nowhere")).training


def seconds(trial: TrainingTrial) -> float:
    return SECONDS[trial.variant, trial.task]


def test_training_goes_seed_by_seed_and_in_each_place_the_longest_first(write: Callable[..., Path]) -> None:
    plan = planned(write)
    shuffled = Random(0).sample(plan, len(plan))
    found = [(trial.variant, trial.task, trial.seed) for trial in by_seeds(shuffled, plan, seconds)]
    assert found == [
        ("capsnet", "affnist", 7),
        ("cnn", "affnist", 0),
        ("capsnet", "mnist", 3),
        ("cnn", "mnist", 3),
        ("capsnet", "affnist", 5),
        ("capsnet", "mnist", 1),
        ("cnn", "mnist", 1),
        ("capsnet", "affnist", 6),
    ]


def test_what_is_left_keeps_its_order(write: Callable[..., Path]) -> None:
    plan = planned(write)
    whole = by_seeds(plan, plan, seconds)
    for done in (whole[0], whole[3], whole[5]):  # whose places those after them do not take
        left = [trial for trial in plan if trial.key != done.key]
        assert by_seeds(left, plan, seconds) == [trial for trial in whole if trial.key != done.key]


def test_a_run_that_is_stopped_has_trained_every_row_before_a_second_seed(write: Callable[..., Path]) -> None:
    plan = planned(write)
    first = by_seeds(plan, plan, seconds)[:4]
    assert {(trial.row, trial.task) for trial in first} == {(trial.row, trial.task) for trial in plan}


def timed(rounds: int, rows: int) -> list[TimingTrial]:
    work = TimingWork(protocol=TimingProtocol(), learning_rate=0.001)
    settings: dict[str, Any] = {"variant": "v", "label": "", "config": {}, "task": "t"}
    return [
        TimingTrial(key=f"{number} {row}", row=row, round=number, work=work, **settings)
        for number in range(rounds)
        for row in range(rows)
    ]


def orders(rounds: int, rows: int, seed: str) -> list[list[int]]:
    """The rows of each round in their order."""
    found = in_mirrored_rounds(timed(rounds, rows), Random(seed))
    assert [trial.round for trial in found] == sorted(trial.round for trial in found)  # round after round
    return [[trial.row for trial in found if trial.round == number] for number in range(rounds)]


@pytest.mark.parametrize("rounds", [1, 2, 6, 7])  # a record of older versions may have an odd number
def test_every_round_has_each_row_once_and_every_second_one_reverses_that_before(rounds: int) -> None:
    found = orders(rounds, 7, "a run")
    assert all(sorted(order) == list(range(7)) for order in found)
    assert all(found[number] == found[number - 1][::-1] for number in range(1, rounds, 2))


def test_pairs_and_invocations_have_orders_of_their_own_that_can_be_drawn_again() -> None:
    found = orders(6, 7, "a run")
    assert len({tuple(order) for order in found}) == 6
    assert orders(6, 7, "another run") != found
    assert orders(6, 7, "a run") == found


def test_every_row_comes_to_every_place() -> None:
    draws = 2000
    places: Counter[tuple[int, int]] = Counter()
    for draw in range(draws):
        [order] = orders(1, 4, str(draw))
        places.update(enumerate(order))
    assert len(places) == 16
    error = (draws * 1 / 4 * 3 / 4) ** 0.5
    assert all(abs(times - draws / 4) < 4 * error for times in places.values())


def test_the_order_depends_on_nothing_but_the_generator() -> None:
    trials = timed(4, 5)
    mixed = Random(0).sample(trials, len(trials))
    assert in_mirrored_rounds(mixed, Random(1)) == in_mirrored_rounds(trials, Random(1))
    assert in_mirrored_rounds([], Random(1)) == []


def test_a_steady_drift_slows_all_rows_equally() -> None:
    trials = in_mirrored_rounds(timed(6, 7), Random("a run"))
    slowed: Counter[int] = Counter()
    for when, trial in enumerate(trials):
        slowed[trial.row] += when
    assert len(set(slowed.values())) == 1
