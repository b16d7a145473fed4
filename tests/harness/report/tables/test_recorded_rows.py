"""The rows of a plan with their recorded trials: their predictions on the first test, by seed, and their curves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import TrainingTrial, TrainingWork
from harness.report.tables import recorded_rows
from harness.report.tables.recorded_rows import RecordedRows, falling, first_score
from harness.statistics.crossed import contrast, over_seeds
from harness.suite.protocol import Protocol
from harness.worker.numbers import Score, TrainingNumbers, curve_metrics
from harness.worker.result import Point, Result
from tests.harness.report.recording import by_key, recorded

WORK = TrainingWork(
    protocol=Protocol(batch_size=10, epochs=1, learning_rate=0.1),
    full_iterations=9,
    iterations=9,
    train_images=90,
    test_images=None,
)
IMAGES = 300
SHARES = {"a": 0.1, "b": 0.3, "c": 0.2, "single": 0.2}
SEEDS = {"a": 3, "b": 2, "c": 4, "single": 1}
CLASSES = {"digits": np.arange(IMAGES) % 10, "letters": np.arange(IMAGES) % 7}


def trial(variant: str, seed: int, task: str = "digits", tests: tuple[str, ...] = ("digits", "more")) -> TrainingTrial:
    return TrainingTrial(
        key=f"{variant} {task} {seed}",
        row=0,
        variant=variant,
        label="",
        config={},
        task=task,
        seed=seed,
        tests=tests,
        work=WORK,
    )


def wrong(variant: str, seed: int) -> np.ndarray:
    """What a model gets wrong."""
    return np.random.default_rng([ord(variant[0]), seed]).random(IMAGES) < SHARES[variant]


def result(variant: str, seed: int, task: str) -> Result:
    """What a trial has left: the second test comes first, and nobody gets it right.

    The curves of the seeds fall by as many points in the last tenth as the seed says; one row has none.
    """
    true, mistakes = CLASSES[task], wrong(variant, seed)
    curve = [] if variant == "c" else [(9.0, 5.0 + seed), (10.0, 5.0)]
    return Result(
        TrainingNumbers({"more": Score(100.0, IMAGES), task: Score(100 * float(mistakes.mean()), IMAGES)}),
        history=tuple(Point(int(epoch), epoch, epoch, curve_metrics(0.5, error, {})) for epoch, error in curve),
        predictions={"more": true + 1, task: true + mistakes},
        labels={"more": true, task: true},
    )


TRIALS = [trial(variant, seed) for variant, seeds in SEEDS.items() for seed in range(seeds)] + [
    trial("a", seed, "letters", ("letters",)) for seed in range(2)
]


def measured(*missing: str) -> RecordedRows:
    """All trials, of which some are not done."""
    rows = [PlannedRow(row=0, variant=variant, label="", config={}, task="digits") for variant in SEEDS]
    known: dict[str, Any] = {"profile": None, "budget": None, "fraction": 1.0, "baseline": 0, "precision": "float32"}
    plan = Plan(suite="s", errors=rows, times=[], trials=TRIALS, **known)
    done = [each for each in TRIALS if each.key not in missing]
    return RecordedRows(plan, by_key(recorded(each.key, result(each.variant, each.seed, each.task)) for each in done))


def row(title: str, task: str = "digits") -> Any:
    """As much of a row as evidence asks for."""
    return SimpleNamespace(title=title, task=task)


def table(variant: str, *seeds: int) -> np.ndarray:
    return np.stack([wrong(variant, seed) for seed in seeds])


def test_mistakes_are_those_of_the_seeds_that_are_done_on_the_first_test() -> None:
    found = measured("a digits 1").mistakes("a", "digits")
    assert found is not None
    assert list(found.wrong) == [0, 2]
    assert (found.table == table("a", 0, 2)).all()
    assert (found.true == CLASSES["digits"]).all()
    assert measured("a digits 0", "a digits 1", "a digits 2").mistakes("a", "digits") is None
    assert measured().mistakes("unknown", "digits") is None


def test_a_row_that_has_lost_a_seed_is_compared() -> None:
    pair = measured("a digits 1").pair(row("a"), row("b"))
    assert pair is not None
    assert pair.estimate == contrast([table("a", 0, 2)], [table("b", 0, 1)])
    assert pair.seeds == (2, 2)
    fewer = measured("b digits 0").pair(row("a"), row("b"))
    assert fewer is not None
    assert not fewer.is_of_methods


def test_what_is_not_measured_or_of_another_task_is_not_compared() -> None:
    whole, gone = measured(), measured("b digits 0", "b digits 1")
    assert whole.pair(row("a"), row("a", "letters")) is None
    assert gone.pair(row("a"), row("b")) is None
    assert gone.contrast([row("a"), row("b")], [row("c")]) is None
    assert whole.contrast([row("a")], [row("a", "letters")]) is None  # other images


def test_a_contrast_of_rows() -> None:
    rows, others = [table("a", 0, 1, 2), table("single", 0)], [table("b", 0, 1), table("c", 0, 1, 2, 3)]
    found = measured().contrast([row("a"), row("single")], [row("b"), row("c")])
    assert found == contrast(rows, others)
    assert measured().contrast([row("single")], [row("b")]) is None


def test_an_error_on_these_very_images() -> None:
    assert measured().over_seeds(row("c")) == over_seeds(table("c", 0, 1, 2, 3))
    assert measured().over_seeds(row("single")) is None
    assert measured().over_seeds(row("unknown")) is None


def test_the_end_of_the_curves_is_the_mean_over_seeds() -> None:
    """Those that fell by 0, 1 and 2 points; where there are no curves nothing is known."""
    assert measured().falling("a", "digits") == pytest.approx(1)
    assert measured("a digits 0").falling("a", "digits") == pytest.approx(1.5)
    assert measured().falling("c", "digits") is None


@pytest.mark.parametrize(
    ("curve", "fell"),
    [
        ([(0.0, 90.0), (5.0, 20.0), (9.0, 12.0), (10.0, 10.0)], 2.0),
        ([(0.0, 90.0), (8.0, 20.0), (10.0, 10.0)], 10.0),  # since the last point but one
        ([(0.0, 90.0), (8.5, 14.0), (9.5, 12.0), (10.0, 11.0)], 2.0),  # from 13, between two points, at 9.0
        ([(0.1, 50.0), (0.2, 60.0)], -10.0),
    ],
)
def test_by_how_much_a_curve_fell_in_its_last_tenth(curve: list[tuple[float, float]], fell: float) -> None:
    assert falling(curve) == pytest.approx(fell)


def test_the_first_test_is_the_trials_own_or_the_one_that_the_task_is_named_after() -> None:
    assert recorded_rows.tests_of(trial("a", 0), ["other"]) == ["digits", "more"]
    older = trial("a", 0, tests=())
    assert recorded_rows.tests_of(older, ["a", "digits-rebuilt", "bb", "digits"]) == [
        "digits",
        "digits-rebuilt",
        "a",
        "bb",
    ]


def test_the_score_on_the_first_test() -> None:
    found = measured().training["b digits 1"]
    assert first_score(trial("b", 1), found) == Score(100 * float(wrong("b", 1).mean()), IMAGES)
    assert first_score(trial("b", 1, tests=("new", "digits")), found) is None


def test_trials_that_are_not_done_or_of_another_plan_are_left_out() -> None:
    rows = measured("a digits 1")
    failed = recorded("a digits 1", Result(TrainingNumbers()), "failed", "a cause")
    stranger = recorded("stranger", result("a", 0, "digits"))
    found = RecordedRows(rows.plan, {**rows.trials, failed.key: failed, stranger.key: stranger})
    assert found.training.keys() == rows.training.keys()
    assert {each.key for each in found.done} == found.training.keys()
    assert found.status(trial("a", 1)) == "failed"
    assert found.status(trial("a", 7)) == "missing"
