"""Verdicts on claims, from evidence made by hand; and the two numbers that figures come to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from example import example
from pydantic import TypeAdapter
from scipy import stats

from harness.claims import Claim
from harness.report.pairs import Pair
from harness.report.rows import Verdict
from harness.report.separation import coupling_correlation, separation
from harness.report.statistics import Estimate
from harness.report.verdicts import Evidence, judge


@dataclass(frozen=True)
class Row:
    """As much of a row as is asked for."""

    title: str
    variant: str
    config: dict[str, Any]
    task: str = "mnist"
    measured: float | None = 1.0
    low: float | None = 0.9
    high: float | None = 1.1
    reason: str = ""


ROWS = [
    Row("a 1", "a", {"k": 1}, reason="width 64 instead of 256; one seed"),
    Row("a 2", "a", {"k": 2}, reason="one seed"),
    Row("b", "b", {}, reason="nothing published"),
    Row("b", "b", {}, task="affnist"),
]
A, B = {"variant": "a"}, {"variant": "b"}
ONE, TWO = {"variant": "a", "config": {"k": 1}}, {"variant": "a", "config": {"k": 2}}


def pair(difference: float, p: float) -> Pair:
    return Pair(difference, difference - 1, difference + 1, p, 1, "a test", 2.0)


def verdict(claim: dict[str, Any], **known: Any) -> Verdict:
    """The verdict on one claim; what is known is given by the titles of rows."""

    def pairs(row: Any, other: Any) -> Pair | None:
        return known.get("pairs", {}).get((row.title, other.title))

    def ratios(row: Any, other: Any) -> Estimate | None:
        found = known.get("ratios", {}).get((row.title, other.title))
        return Estimate(math.sqrt(found[0] * found[1]), 0.1, *found, 5, "blocks") if found else None

    def activity(row: Any) -> list[dict[str, list[float]]]:
        found: list[dict[str, list[float]]] = known.get("activity", {}).get(row.title, [])
        return found

    rows: Any = known.get("rows", ROWS)
    read = TypeAdapter(Claim).validate_python({"sentence": "so it is", **claim})
    [found] = judge([read], Evidence(rows, rows, pairs, ratios, activity))
    return found


LOWER = {"kind": "lower_error", "of": A, "than": B, "task": "mnist"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pair(-2, 0.001), pair(-3, 0.001), "reproduced"),
        (pair(-2, 0.001), pair(-3, 0.2), "undecided"),  # all rows must be lower
        (pair(-2, 0.001), pair(3, 0.001), "contradicted"),
        (pair(-2, 0.03), pair(-3, 0.03), "undecided"),  # two tests: 0.03 counts as 0.06
        (pair(-2, 0.001), None, "undecided"),
    ],
)
def test_lower_error(first: Pair, second: Pair | None, expected: str) -> None:
    found = verdict(LOWER, pairs={("a 1", "b"): first, ("a 2", "b"): second})
    assert found.word == expected
    assert "a 1 less b −2.00 points (−3.00 to −1.00), p = " in found.evidence
    assert found.scope == "width 64 instead of 256; one seed"  # each reason once


def test_tests_of_all_claims_count_together() -> None:
    claims = [TypeAdapter(Claim).validate_python({"sentence": "s", **LOWER, "of": ONE}) for _ in range(10)]
    rows: Any = ROWS
    evidence = Evidence(rows, rows, lambda *_: pair(-1, 0.004), lambda *_: None, lambda _: [])
    assert [each.word for each in judge(claims[:1], evidence)] == ["reproduced"]
    assert [each.word for each in judge(claims, evidence)] == ["reproduced"] * 10  # 10 · 0.004 < 0.05
    evidence = Evidence(rows, rows, lambda *_: pair(-1, 0.006), lambda *_: None, lambda _: [])
    assert [each.word for each in judge(claims, evidence)] == ["undecided"] * 10


def test_lowest_error_is_compared_with_all_the_others() -> None:
    claim = {"kind": "lowest_error", "of": TWO, "among": A, "task": "mnist"}
    assert verdict(claim, pairs={("a 2", "a 1"): pair(-1, 0.001)}).word == "reproduced"
    assert verdict(claim, pairs={("a 2", "a 1"): pair(1, 0.001)}).word == "contradicted"
    assert verdict(claim, pairs={("a 2", "a 1"): pair(-1, 0.5)}).word == "undecided"


@pytest.mark.parametrize(
    ("percent", "within", "expected"),
    [(1.0, 0.2, "reproduced"), (1.0, 0.05, "undecided"), (1.15, 0.2, "undecided"), (2.0, 0.5, "contradicted")],
)
def test_error_value(percent: float, within: float, expected: str) -> None:
    claim = {"kind": "error_value", "of": ONE, "task": "mnist", "percent": percent, "within": within}
    as_in_the_paper = [Row("a 1", "a", {"k": 1})]
    assert verdict(claim, rows=as_in_the_paper).word == expected  # 0.9 to 1.1 is measured
    found = verdict(claim)  # at another width
    assert found.word == "undecided"
    assert "can't decide" in found.evidence


@pytest.mark.parametrize(
    ("bound", "interval", "expected"),
    [
        ({"at_most": 0.2}, (0.1, 0.15), "reproduced"),
        ({"at_most": 0.2}, (0.15, 0.25), "undecided"),
        ({"at_most": 0.2}, (0.3, 0.4), "contradicted"),
        ({"at_least": 1.4}, (1.5, 1.6), "reproduced"),
        ({"at_least": 1.4}, (1.3, 1.6), "undecided"),
        ({"at_least": 1.4}, (1.0, 1.2), "contradicted"),
        ({"at_least": 1.4}, None, "undecided"),
    ],
)
def test_time_ratio(bound: dict[str, float], interval: tuple[float, float] | None, expected: str) -> None:
    found = verdict({"kind": "time_ratio", "of": ONE, "to": TWO, **bound}, ratios={("a 1", "a 2"): interval})
    assert found.word == expected


@pytest.mark.parametrize("bounds", [{}, {"at_most": 1, "at_least": 1}])
def test_a_ratio_needs_one_bound(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="write one of 'at_most' and 'at_least'"):
        verdict({"kind": "time_ratio", "of": ONE, "to": TWO, **bounds})


SHARP, SOFT = {"activities": [0.9] * 50 + [0.1] * 250}, {"activities": np.linspace(0.9, 0.1, 300).tolist()}


def test_clearer_separation_must_hold_for_every_seed() -> None:
    claim = {"kind": "clearer_separation", "of": ONE, "than": TWO, "task": "mnist"}
    assert verdict(claim, activity={"a 1": [SHARP, SHARP], "a 2": [SOFT]}).word == "reproduced"
    assert verdict(claim, activity={"a 1": [SOFT], "a 2": [SHARP]}).word == "contradicted"
    assert verdict(claim, activity={"a 1": [SHARP, SOFT], "a 2": [SOFT]}).word == "undecided"
    assert verdict(claim, activity={"a 1": [SHARP]}).word == "undecided"


def test_coupling_follows_activity() -> None:
    claim = {"kind": "coupling_follows_activity", "of": ONE, "task": "mnist"}
    falling = np.linspace(0.9, 0.1, 300).tolist()
    with_it = {"activities": falling, "couplings": falling}
    against = {"activities": falling, "couplings": falling[::-1]}
    random = {"activities": falling, "couplings": np.random.default_rng(0).random(300).tolist()}
    assert verdict(claim, activity={"a 1": [with_it, with_it]}).word == "reproduced"
    assert verdict(claim, activity={"a 1": [against]}).word == "contradicted"
    assert verdict(claim, activity={"a 1": [random]}).word == "undecided"
    assert verdict(claim, activity={"a 1": [{"activities": falling}]}).word == "undecided"


def test_rows_that_a_suite_does_not_have() -> None:
    for claim in (
        {**LOWER, "of": {"variant": "c"}},
        {"kind": "error_value", "of": {"variant": "c"}, "task": "mnist", "percent": 1, "within": 1},
        {"kind": "time_ratio", "of": {"variant": "c"}, "to": A, "at_most": 1},
    ):
        found = verdict(claim)
        assert (found.word, found.evidence) == ("undecided", "the suite has no such rows")


def test_what_is_not_measured_is_undecided() -> None:
    rows = [Row("a 1", "a", {"k": 1}, measured=None, low=None, high=None)]
    claim = {"kind": "error_value", "of": ONE, "task": "mnist", "percent": 1, "within": 1}
    assert verdict(claim, rows=rows).word == "undecided"


def test_separation_against_every_division() -> None:
    """Otsu's criterion: of all divisions by a threshold, the share of the variance between the groups."""
    random = np.random.default_rng(4)
    values = np.concatenate([random.normal(0.8, 0.05, 40), random.normal(0.2, 0.1, 160)])
    best = 0.0
    for threshold in np.sort(values)[:-1]:
        low, high = values[values <= threshold], values[values > threshold]
        within = (len(low) * low.var() + len(high) * high.var()) / len(values)
        best = max(best, 1 - within / values.var())
    assert separation(values.tolist()) == pytest.approx(best)
    assert separation(SHARP["activities"]) == pytest.approx(1)
    assert separation(SOFT["activities"]) == pytest.approx(0.75, abs=0.01)
    assert separation([0.5] * 9) == 0


def test_correlation_looks_at_the_hundred_most_active() -> None:
    activities = np.linspace(0.9, 0.1, 300)
    couplings = np.concatenate([activities[:100], 1 - activities[100:]])
    correlation, p = coupling_correlation(activities.tolist(), couplings.tolist())
    assert correlation == pytest.approx(1)
    assert p < 1e-10


def test_a_report_has_a_verdict_for_each_claim_and_pairs_for_each_task() -> None:
    tables = example()
    assert [each.word for each in tables.verdicts] == [
        "reproduced",
        "undecided",  # 1.5 percent, with three seeds 0.26 to 2.74
        "reproduced",
        "reproduced",
        "reproduced",
        "undecided",
    ]
    assert {(row.task, row.other) for row in tables.pairs} == {("mnist", "capsnet r=3"), ("affnist", "capsnet r=3")}
    affnist = {row.title: row for row in tables.pairs if row.task == "affnist"}
    assert affnist["cnn"].finding == "worse"
    assert affnist["lcapsnet K=50 9×9"].finding == "better"
    assert affnist["cnn"].pair.difference == pytest.approx((30 + 33 - 20 - 22) / 2)  # of the seeds that both have


@pytest.mark.parametrize("seed", range(5))
def test_correlation_is_spearmans(seed: int) -> None:
    random = np.random.default_rng(seed)
    activities = np.round(np.sort(random.random(120))[::-1], 1 if seed % 2 else 9)  # with and without ties
    couplings = random.random(120) + seed / 3 * activities
    expected = stats.spearmanr(activities[:100], couplings[:100])
    found = coupling_correlation(activities.tolist(), couplings.tolist())
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)


def test_correlation_of_what_is_everywhere_the_same() -> None:
    falling = list(range(100, 0, -1))
    assert all(math.isnan(value) for value in coupling_correlation([1.0] * 100, falling))
    assert coupling_correlation(falling, falling) == pytest.approx((1.0, 0.0), abs=1e-9)
