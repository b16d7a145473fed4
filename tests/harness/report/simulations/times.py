"""What a report says of times of which the ratio is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.harness.report.simulations.chances import Run
from tests.harness.report.simulations.machines import Fixed, Machine, timed
from tests.harness.report.simulations.reports import TASK, claim, decided, of_times, rows

RATIO = 1.5


def rated(rounds: int, machine: Machine, fixed: Fixed | None, count: int = 8) -> Run:
    """The ratio of the first two of several rows: is it within the interval, and how wide is that in logarithms?"""
    seconds = [RATIO, *[1.0] * (count - 1)]

    def run(random: np.random.Generator) -> dict[str, float]:
        times = timed(random, seconds, rounds, machine, fixed)
        found = times.ratio(("row 0", TASK), ("row 1", TASK))
        assert found is not None
        ends = found.ratio.interval()
        assert ends is not None
        return {
            "held": ends[0] <= RATIO <= ends[1],
            "half": math.log(ends[1] / ends[0]) / 2,
            "slope": times.slope.value,
            "bias": math.log(found.ratio.value / RATIO),
        }

    return run


def bounded(rounds: int, machine: Machine, of: int = 1, **bounds: float) -> Run:
    """A claim on the ratio of some rows to another one."""
    claimed: Any = claim("time_ratio", of=rows("row"), to=rows("row", of), **bounds)
    seconds = [*[RATIO] * of, 1.0]

    def run(random: np.random.Generator) -> dict[str, bool]:
        return decided([claimed], of_times(timed(random, seconds, rounds, machine, Fixed())))

    return run
