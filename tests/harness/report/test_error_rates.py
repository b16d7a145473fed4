"""How often each kind of claim is decided by chance alone, simulated where the truth is on the edge of the claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_verdicts import ONE, SHARP, TWO, claim_of, row

from harness.report.pairs import LEVEL, compare
from harness.report.rows import TableRow
from harness.report.statistics import error_over_seeds, ratio_over_blocks
from harness.report.verdicts import Evidence, judge

Maker = Callable[[np.random.Generator], Evidence]
IMAGES = 400


def rate(claim: dict[str, Any], make: Maker, runs: int) -> float:
    """The share of reports in which the claim is decided."""
    random = np.random.default_rng(12)
    read = claim_of(claim)
    return float(np.mean([judge([read], make(random))[0].word != "undecided" for _ in range(runs)]))


def allowed(runs: int) -> float:
    """The level, and what chance adds to it in so many runs: four standard errors."""
    return LEVEL + 4 * float(np.sqrt(LEVEL * (1 - LEVEL) / runs))


def trained(random: np.random.Generator, seeds: int, spread: float, percent: float = 12.5, count: int = 2) -> Evidence:
    """Rows of equally good methods, whose models' errors vary by `spread` points from seed to seed."""
    hard = random.beta(0.4, 2.8, IMAGES)  # the same images are hard for all of them
    hard *= percent / 100 / hard.mean()
    wrong = {}
    for number in range(1, count + 1):
        factors = 1 + random.normal(0, spread, seeds) / percent
        wrong[f"a {number}"] = [random.random(IMAGES) < hard * factor for factor in factors]
    rows = [row("a", str(n), config={"k": n}) for n in range(1, count + 1)]

    def pair(one: TableRow, other: TableRow) -> Any:
        return compare(wrong[one.title], wrong[other.title])

    return Evidence(rows, [], pair, lambda *_: None, lambda _: [])


LOWER = {"kind": "lower_error", "of": ONE, "than": TWO, "task": "mnist"}
LOWEST = {"kind": "lowest_error", "of": ONE, "among": {"variant": "a"}, "task": "mnist"}


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(("claim", "count"), [(LOWER, 2), (LOWEST, 4)])
def test_equal_methods_are_rarely_told_apart(claim: dict[str, Any], count: int, spread: float) -> None:
    """With six seeds; with fewer never, since only the models that were trained are told apart."""
    runs = 300
    assert rate(claim, lambda random: trained(random, 6, spread, count=count), runs) <= allowed(runs)
    for seeds in (1, 3):
        assert rate(claim, lambda random, n=seeds: trained(random, n, spread, count=count), 30) == 0  # type: ignore[misc]


def valued(random: np.random.Generator, seeds: int, truth: float, spread: float) -> Evidence:
    """A row whose models' true errors vary about a truth."""
    found = error_over_seeds(random.normal(truth, spread, seeds).clip(0, 100).tolist(), 10_000)
    known = {"measured": found.mean, "standard_error": found.standard_error, "low": found.low, "high": found.high}
    only = row("a", "1", config={"k": 1}, n=seeds, images=10_000, **known)
    return Evidence([only], [], lambda *_: None, lambda *_: None, lambda _: [])


@pytest.mark.parametrize("seeds", [3, 6])
@pytest.mark.parametrize(("percent", "within", "spread"), [(12.5, 2.0, 1.0), (0.5, 0.2, 0.1)])
def test_a_value_on_the_edge_is_rarely_decided(seeds: int, percent: float, within: float, spread: float) -> None:
    claim = {"kind": "error_value", "of": ONE, "task": "mnist", "percent": percent, "within": within}
    runs = 1000
    assert rate(claim, lambda random: valued(random, seeds, percent + within, spread), runs) <= allowed(runs)
    assert rate(claim, lambda random: valued(random, 2, percent + within, spread), 100) == 0


def timed(random: np.random.Generator, rounds: int, truth: float, rows: int = 1) -> Evidence:
    """Rows whose times stand in a ratio, in rounds in which the machine is faster or slower."""
    machine = np.exp(random.normal(0, 0.2, rounds))
    base = machine * np.exp(random.normal(0, 0.05, rounds))
    times = {f"b {n}": truth * machine * np.exp(random.normal(0, 0.05, rounds)) for n in range(rows)}
    known: list[Any] = [row("a", "1", config={"k": 1}), *(row("b", str(n)) for n in range(rows))]

    def ratio(one: TableRow, other: TableRow) -> Any:
        return ratio_over_blocks(times[one.title].tolist(), base.tolist())

    return Evidence([], known, lambda *_: None, ratio, lambda _: [])


RATIO = {"kind": "time_ratio", "of": {"variant": "b"}, "to": ONE}


@pytest.mark.parametrize("rounds", [3, 5, 10])
@pytest.mark.parametrize(
    ("bounds", "rows"), [({"at_most": 1.5}, 1), ({"at_least": 1.5}, 1), ({"at_least": 1.5, "at_most": 1.8}, 3)]
)
def test_a_ratio_on_the_bound_is_rarely_decided(rounds: int, bounds: dict[str, float], rows: int) -> None:
    runs = 500
    assert rate({**RATIO, **bounds}, lambda random: timed(random, rounds, 1.5, rows), runs) <= allowed(runs)
    assert rate({**RATIO, **bounds}, lambda random: timed(random, 2, 1.5, rows), 50) == 0


def separated(random: np.random.Generator, ours: int, theirs: int) -> Evidence:
    """Two rows of models that are as clear as each other, more or less."""

    def models(count: int) -> list[dict[str, list[float]]]:
        noises = random.uniform(0.02, 0.2, count)
        return [
            {"activities": (np.array(SHARP["activities"]) + random.normal(0, each, 300)).tolist()} for each in noises
        ]

    known = {"a 1": models(ours), "a 2": models(theirs)}
    rows = [row("a", str(n), config={"k": n}) for n in (1, 2)]
    return Evidence(rows, [], lambda *_: None, lambda *_: None, lambda each: known[each.title])


@pytest.mark.parametrize(("ours", "theirs"), [(1, 1), (3, 3), (4, 4), (6, 6), (3, 9)])
def test_equal_clarity_is_rarely_told_apart(ours: int, theirs: int) -> None:
    claim = {"kind": "clearer_separation", "of": ONE, "than": TWO, "task": "mnist"}
    runs = 300
    assert rate(claim, lambda random: separated(random, ours, theirs), runs) <= (
        allowed(runs) if ours > 3 or theirs > 3 else 0
    )


def coupled(random: np.random.Generator, seeds: int) -> Evidence:
    """Models whose couplings are smooth from capsule to capsule, and have nothing to do with activities."""
    activities = np.linspace(0.9, 0.1, 100)
    models = [
        {"activities": activities.tolist(), "couplings": np.cumsum(random.normal(0, 1, 100)).tolist()}
        for _ in range(seeds)
    ]
    rows = [row("a", "1", config={"k": 1})]
    return Evidence(rows, [], lambda *_: None, lambda *_: None, lambda _: models)


@pytest.mark.parametrize("seeds", [1, 5, 6, 9])
def test_couplings_that_follow_nothing_are_rarely_called_correlated(seeds: int) -> None:
    """A test that took neighbours for independent would decide three in four of them."""
    claim = {"kind": "coupling_follows_activity", "of": ONE, "task": "mnist"}
    runs = 150
    assert rate(claim, lambda random: coupled(random, seeds), runs) <= (allowed(runs) if seeds >= 6 else 0)
