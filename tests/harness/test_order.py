"""The order in which trials run."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from harness.order import by_seeds, places_of_seeds
from harness.planning import make_plan
from harness.suite import load_suite
from harness.trial import Trial

SUITE = """
name: three
protocols: {short: {batch_size: 50, epochs: 2, learning_rate: 0.001}}
table2:
  tasks: [mnist, affnist]
  seeds: {mnist: [3, 1], affnist: [0]}
  rows:
    - {variant: cnn, config: {width: 8}, protocol: short}
    - {variant: capsnet, config: {width: 8}, protocol: short, seeds: {affnist: [7, 5, 6]}}
"""
SECONDS = {("cnn", "mnist"): 1.0, ("cnn", "affnist"): 3.0, ("capsnet", "mnist"): 2.0, ("capsnet", "affnist"): 4.0}


def planned(write: Callable[..., Path]) -> list[Trial]:
    return make_plan(load_suite(write(SUITE)), Path("nowhere")).trials


def seconds(trial: Trial) -> float:
    return SECONDS[trial.variant, trial.task]


def test_training_goes_seed_by_seed_and_in_each_place_the_longest_first(write: Callable[..., Path]) -> None:
    plan = planned(write)
    shuffled = random.Random(0).sample(plan, len(plan))
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


def test_timed_trials_have_no_place_among_seeds(tiny_suite: Path) -> None:
    plan = make_plan(load_suite(tiny_suite), Path("nowhere")).trials
    assert places_of_seeds(plan) == {trial.key: 0 for trial in plan if trial.kind == "training"}
