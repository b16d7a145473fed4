"""What a report says of methods whose errors are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.report.tables.pairs import Mistakes, contrast_of, pair_of
from harness.report.tables.summaries import error_of
from harness.statistics.estimate import LEVEL, Estimate
from harness.statistics.exact import mcnemar
from tests.harness.report.simulations.chances import Run, simulate
from tests.harness.report.simulations.mistakes import OWN, Method, trained
from tests.harness.report.simulations.reports import claim, decided, of_errors, rows, words

LADDER = 6  # rows of the one variant of which there are several


def compared(first: Method, second: Method, images: int, own: float = OWN) -> Run:
    """Two rows: whether a difference is found, whether the interval holds it, what the images alone would say."""

    def run(random: np.random.Generator) -> dict[str, float]:
        ours, theirs = trained(random, [first, second], images, own)
        pair = pair_of(ours, theirs)
        assert pair is not None
        low, high = pair.estimate.interval()
        return {
            "found": pair.p < LEVEL,
            "held": low <= first.error - second.error <= high,
            "better": pair.finding() == "better",
            "detectable": pair.estimate.detectable(),
            "mcnemar": mcnemar(ours.wrong[0], theirs.wrong[0]) < LEVEL,
            "images": _p_of_images(ours, theirs) < LEVEL,
        }

    return run


def measured(method: Method, images: int) -> Run:
    """A row of errors: whether its interval holds the method's error, and its width, points."""

    def run(random: np.random.Generator) -> dict[str, float]:
        [mistakes] = trained(random, [method], images)
        found = error_of(mistakes)
        assert found.low is not None
        assert found.high is not None
        return {"held": found.low <= method.error <= found.high, "width": found.high - found.low}

    return run


def _p_of_images(ours: Mistakes, theirs: Mistakes) -> float:
    """Of a z test over the images' differences, each the mean over seeds: of these models, whatever their number."""
    differences = ours.table.mean(axis=0) - theirs.table.mean(axis=0)
    return Estimate(float(differences.mean()), float(differences.std()) / math.sqrt(len(differences)), math.inf).p()


def shown(seeds: int, sd: float, images: int, runs: int, seed: int = 12) -> dict[str, float]:
    """How often the difference is shown that is told to be shown four times in five, on average of equal rows."""
    equal = Method(error=40, sd=sd, seeds=seeds)
    told = simulate(compared(equal, equal, images), max(100, runs // 4), seed)["detectable"].value
    better = Method(error=equal.error - told, sd=sd, seeds=seeds)
    found = simulate(compared(better, equal, images), runs, seed + 1)["better"]
    return {"detectable": told, "shown": found.value, "error": found.error}


def mean_claimed(ladder: Sequence[Method], other: Method, images: int, by: float = 0.0) -> Run:
    """A claim that the mean error of some rows is below that of another one."""
    claimed = claim("lower_mean_error", of=rows("ladder"), than=rows("capsnet"), by=by)
    truth = float(np.mean([each.error for each in ladder])) - other.error

    def run(random: np.random.Generator) -> dict[str, float]:
        found = trained(random, [*ladder, other], images)
        estimate = contrast_of(found[:-1], found[-1:])
        assert estimate is not None
        low, high = estimate.interval()
        evidence = of_errors({"ladder": found[:-1], "capsnet": found[-1:]})
        return {**decided([claimed], evidence), "held": low <= truth <= high}

    return run


def claimed_of_errors(claims: Sequence[Any], ladder: Sequence[Method], others: Sequence[Method], images: int) -> Run:
    """Claims on the rows of `ladder`, and of `capsnet` and `cnn` in this order."""

    def run(random: np.random.Generator) -> dict[str, bool]:
        found = trained(random, [*ladder, *others], images)
        first = len(ladder)
        variants = {"ladder": found[:first], "capsnet": found[first : first + 1], "cnn": found[first + 1 :]}
        return decided(claims, of_errors(variants))

    return run


EACH = claim("lower_error", of=rows("ladder"), than=rows("capsnet"))
LOWEST = claim("lowest_error", of=rows("ladder", 0), among=rows("ladder"))
FAMILY = [
    claim("lower_mean_error", of=rows("ladder"), than=rows("capsnet")),
    claim("lower_mean_error", of=rows("ladder"), than=rows("cnn")),
    claim("lower_error", of=rows("capsnet"), than=rows("cnn")),
]


def each_asked(ladder: Sequence[Method], other: Method, images: int) -> Run:
    """A claim on a mean that goes on to each row: what is said of the mean, and of each row."""
    claimed = claim("lower_mean_error", of=rows("ladder"), than=rows("capsnet"), each=True)

    def run(random: np.random.Generator) -> dict[str, bool]:
        found = trained(random, [*ladder, other], images)
        [verdict] = words([claimed], of_errors({"ladder": found[:-1], "capsnet": found[-1:]}))
        return {"mean": verdict.word == "reproduced", "each": verdict.each == "reproduced"}

    return run


def valued(method: Method, percent: float, within: float, images: int = 10_000) -> Run:
    """A claim on a row's error on a test set."""
    claimed = claim("error_value", of=rows("ladder"), percent=percent, within=within)

    def run(random: np.random.Generator) -> dict[str, bool]:
        return decided([claimed], of_errors({"ladder": trained(random, [method], images, same_images=True)}))

    return run


def study(ladder: Method, other: Method, images: int, claims: int) -> Run:
    """Six rows and another one, in a family of so many claims: is their mean shown to be lower, and then each row?

    Each row is asked at the level that the mean had to pass, and as the report asks it, at the whole one.
    """
    level = LEVEL / claims

    def run(random: np.random.Generator) -> dict[str, float]:
        found = trained(random, [*[ladder] * LADDER, other], images)
        estimate = contrast_of(found[:-1], found[-1:])
        assert estimate is not None
        mean = estimate.value < 0 and estimate.p() < level
        pairs = [pair_of(row, found[-1]) for row in found[:-1]] if mean else []
        at = {
            name: mean and all(pair is not None and pair.finding(passed) == "better" for pair in pairs)
            for name, passed in (("strict", level), ("each", LEVEL))
        }
        return {"mean": mean, **at}

    return run
