"""Two runs of one suite, equal or not, and what `compare` finds between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import TimingTrial, TimingWork, TrainingTrial, TrainingWork, Trial
from harness.record.recorded import RecordedTrial
from harness.report.tables.comparison import RunComparison, Side, compare_runs
from harness.report.tables.pairs import Mistakes
from harness.report.tables.recorded_rows import RecordedRows
from harness.report.tables.timed import Timed
from harness.suite.protocol import Protocol, TimingProtocol
from harness.worker.numbers import TimingNumbers, TrainingNumbers
from harness.worker.result import Result
from tests.harness.report.recording import by_key, recorded
from tests.harness.report.simulations.chances import Run
from tests.harness.report.simulations.machines import Fixed, Machine, timed
from tests.harness.report.simulations.mistakes import Method, trained
from tests.harness.report.simulations.reports import TASK

ROWS = 7


def _trained(key: str, seed: int, mistakes: Mistakes) -> RecordedTrial:
    """A recorded model that gets wrong what was drawn for it."""
    predictions = {TASK: mistakes.true + mistakes.wrong[seed]}
    return recorded(key, Result(TrainingNumbers(), predictions=predictions, labels={TASK: mistakes.true}))


PROTOCOL = Protocol(batch_size=10, epochs=1, learning_rate=0.1)
TRAINING = TrainingWork(protocol=PROTOCOL, full_iterations=9, iterations=9, train_images=90, test_images=None)
TIMING = TimingWork(protocol=TimingProtocol(), learning_rate=0.1)


def _trial(kind: str, key: str, row: int, repeat: int) -> Trial:
    known: dict[str, Any] = {"key": key, "row": row, "variant": "row", "label": str(row), "config": {}, "task": TASK}
    if kind == "timing":
        return TimingTrial(**known, round=repeat, work=TIMING)
    return TrainingTrial(**known, seed=repeat, work=TRAINING)


@cache
def _plan(side: str, kind: Any, repeated: int) -> Plan:
    rows = [PlannedRow(row=n, variant="row", label=str(n), config={}, task=TASK) for n in range(ROWS)]
    trials = [_trial(kind, f"{side} {n} {each}", n, each) for n in range(ROWS) for each in range(repeated)]
    return Plan(
        suite="simulated",
        profile=None,
        budget=None,
        fraction=None,
        errors=rows if kind == "training" else [],
        times=rows if kind == "timing" else [],
        baseline=0,
        precision="float32",
        trials=trials,
    )


def _side(plan: Plan, rows: Sequence[Mistakes], times: Timed) -> Side:
    trials = [_trained(trial.key, trial.seed, rows[trial.row]) for trial in plan.training]
    trials += [recorded(trial.key, Result(TimingNumbers())) for trial in plan.timing]
    return Side("run", RecordedRows(plan, by_key(trials)), times, {})


def errors(seeds: int, sd: float, images: int, change: float = 0.0) -> Run:
    """Two runs of other seeds of the same methods on the same images, the second worse by so much in its first row."""
    first = [Method(sd=sd, seeds=seeds)] * ROWS
    second = [Method(12.5 + change, sd, seeds), *first[1:]]

    def run(random: np.random.Generator) -> dict[str, float]:
        found = trained(random, [*first, *second], images)
        sides = [
            _side(_plan(name, "training", seeds), rows, Timed())
            for name, rows in (("a", found[:ROWS]), ("b", found[ROWS:]))
        ]
        compared = compare_runs(*sides)
        return _found([row.quality in {"better", "worse"} for row in compared.rows], compared)

    return run


def times(rounds: int, machine: Machine, fixed: Fixed | None, day: float = 0.2, change: float = 0.0) -> Run:
    """Two runs on a machine whose level differs from day to day; the second is slower by so much in its first row.

    Arguments:
        day: standard deviation of the logarithm of the machine's level in a run.
    """

    def run(random: np.random.Generator) -> dict[str, float]:
        sides = []
        for name, slower in (("a", 0.0), ("b", change)):
            level = math.exp(random.normal(0, day)) if fixed is not None else 1.0
            seconds = [level * (1 + slower), *[level] * (ROWS - 1)]
            found = timed(random, seconds, rounds, machine, fixed, level)
            sides.append(_side(_plan(name, "timing", rounds), [], found))
        compared = compare_runs(*sides)
        return _found([row.speed in {"faster", "slower"} for row in compared.rows], compared)

    return run


def _found(rows: Sequence[bool], compared: RunComparison) -> dict[str, float]:
    """Whether any row is told to differ, whether the first one is, and whether anything ends with exit code 1."""
    return {"any": any(rows), "first": rows[0], "regressions": bool(compared.regressions(0.0, 0.0))}
