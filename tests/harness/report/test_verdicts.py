"""Verdicts on claims, from evidence made by hand."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example import example
from pydantic import TypeAdapter

from harness.claims import Claim
from harness.planning import make_plan
from harness.report.pairs import Pair
from harness.report.rows import ErrorRow, Verdict
from harness.report.statistics import Estimate
from harness.report.verdicts import Evidence, _groups, judge
from harness.suite import load_suite

SEEDS = 6


def row(variant: str, label: str = "", **known: Any) -> ErrorRow:
    """A row that was run as in the paper with six seeds, if nothing else is said."""
    told: dict[str, Any] = {
        "config": {},
        "task": "mnist",
        "unit": "percent",
        "published": 1.0,
        "published_standard_error": None,
        "measured": 1.0,
        "standard_error": 0.1 / 2.5706,  # times Student's t of five degrees of freedom
        "low": 0.9,
        "high": 1.1,
        "n": SEEDS,
        "standard_error_over": "seeds",
        "comparable": True,
        "reasons": (),
        "unlike": "",
        "status": "done",
        "test": "mnist",
        "images": 1_000_000,
        "iterations": 1,
        "fraction": 1.0,
        "other_tests": {},
        "unlearned": 0,
        "chance": 90.0,
    }
    return ErrorRow(variant=variant, label=label, **{**told, **known})


ROWS = [
    row("a", "1", config={"k": 1}, reasons=("width 64 instead of 256", "one; seed")),
    row("a", "2", config={"k": 2}, reasons=("one; seed",)),
    row("b", reasons=("nothing published",)),
    row("b", task="affnist"),
]
A, B = {"variant": "a"}, {"variant": "b"}
ONE, TWO = {"variant": "a", "config": {"k": 1}}, {"variant": "a", "config": {"k": 2}}


def pair(difference: float, p: float, seeds: int = SEEDS) -> Pair:
    return Pair(difference, difference - 1, difference + 1, p, seeds, "a test", 2.0, (difference,) * seeds)


def ratio_of(low: float, high: float) -> Estimate:
    """A ratio over ten rounds with this interval."""
    mean = math.sqrt(low * high)
    return Estimate(mean, mean * math.log(high / low) / (2 * 2.262157), low, high, 10, "blocks")


def evidence_of(**known: Any) -> Evidence:
    """What is known, by the titles of rows."""

    def pairs(one: Any, other: Any) -> Pair | None:
        return known.get("pairs", {}).get((one.title, other.title))

    def ratios(one: Any, other: Any) -> Estimate | None:
        return known.get("ratios", {}).get((one.title, other.title))

    def activity(one: Any) -> list[dict[str, list[float]]]:
        found: list[dict[str, list[float]]] = known.get("activity", {}).get(one.title, [])
        return found

    rows: Any = known.get("rows", ROWS)
    return Evidence(rows, rows, pairs, ratios, activity)


def claim_of(claim: dict[str, Any]) -> Any:
    return TypeAdapter(Claim).validate_python({"sentence": "so it is", **claim})


def verdict(claim: dict[str, Any], **known: Any) -> Verdict:
    """The verdict on one claim."""
    [found] = judge([claim_of(claim)], evidence_of(**known))
    return found


LOWER = {"kind": "lower_error", "of": A, "than": B, "task": "mnist"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pair(-2, 0.001), pair(-3, 0.001), "reproduced"),
        (pair(-2, 0.001), pair(-3, 0.2), "undecided"),  # all rows must be lower
        (pair(-2, 0.001), pair(3, 0.001), "contradicted"),
        (pair(-2, 0.03), pair(-3, 0.04), "reproduced"),  # each of them is shown
        (pair(-2, 0.03), pair(3, 0.03), "undecided"),  # one of two against it: 0.03 counts as 0.06
        (pair(-2, 0.001), None, "undecided"),
    ],
)
def test_lower_error(first: Pair, second: Pair | None, expected: str) -> None:
    found = verdict(LOWER, pairs={("a 1", "b"): first, ("a 2", "b"): second})
    assert found.word == expected
    assert "a 1 less b −2.00 points (−3.00 to −1.00), p = " in found.evidence
    assert found.scope == "width 64 instead of 256; one; seed"  # each reason once


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([-6.0, -7.0, -8.0, -6.5, -7.5, -9.0], "reproduced"),
        ([-4.5, -2.0, -3.0, -5.0, -4.1, -3.9], "undecided"),
        ([-1.0, -2.0, -3.0, -2.5, -1.5, -0.5], "contradicted"),  # lower, and by less
    ],
)
def test_lower_error_by_a_margin(differences: list[float], expected: str) -> None:
    mean = float(np.mean(differences))
    known = Pair(mean, mean - 1, mean + 1, 1 / 32, SEEDS, "a test", 2.0, tuple(differences))
    found = verdict({**LOWER, "of": ONE, "by": 4}, pairs={("a 1", "b"): known})
    assert found.word == expected
    assert "claimed at least 4 lower" in found.evidence


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_a_test_over_images_decides_nothing_about_methods(seeds: int) -> None:
    found = verdict({**LOWER, "of": ONE}, pairs={("a 1", "b"): pair(-9, 1e-9, seeds)})
    assert found.word == "undecided"
    which = "these two models" if seeds == 1 else f"these models of {seeds} seeds"
    assert found.evidence.startswith(f"{which}: a 1 less b −9.00 points")
    assert "says nothing of models of other seeds" in found.evidence


def test_claims_count_together() -> None:
    claims = [claim_of({**LOWER, "of": ONE})] * 10

    def words(p: float, count: int) -> list[str]:
        return [each.word for each in judge(claims[:count], evidence_of(pairs={("a 1", "b"): pair(-1, p)}))]

    assert words(0.004, 1) == ["reproduced"]
    assert words(0.004, 10) == ["reproduced"] * 10  # 10 · 0.004 < 0.05
    assert words(0.006, 10) == ["undecided"] * 10


def test_lowest_error_is_compared_with_all_the_others() -> None:
    claim = {"kind": "lowest_error", "of": TWO, "among": A, "task": "mnist"}
    assert verdict(claim, pairs={("a 2", "a 1"): pair(-1, 0.001)}).word == "reproduced"
    assert verdict(claim, pairs={("a 2", "a 1"): pair(1, 0.001)}).word == "contradicted"
    assert verdict(claim, pairs={("a 2", "a 1"): pair(-1, 0.5)}).word == "undecided"


VALUE = {"kind": "error_value", "of": ONE, "task": "mnist", "percent": 1.0, "within": 0.2}


@pytest.mark.parametrize(
    ("percent", "within", "expected"),
    [(1.0, 0.2, "reproduced"), (1.0, 0.05, "undecided"), (1.15, 0.2, "undecided"), (2.0, 0.5, "contradicted")],
)
def test_error_value(percent: float, within: float, expected: str) -> None:
    claim = {**VALUE, "percent": percent, "within": within}
    as_in_the_paper = [row("a", "1", config={"k": 1})]
    assert verdict(claim, rows=as_in_the_paper).word == expected  # 0.9 to 1.1 is measured
    found = verdict(claim)  # at another width
    assert found.word == "undecided"
    assert "a 1 was not run as in the paper" in found.evidence


def test_a_value_of_two_seeds_decides_nothing() -> None:
    for seeds, expected in ((2, "undecided"), (3, "reproduced")):
        found = verdict(VALUE, rows=[row("a", "1", config={"k": 1}, n=seeds, standard_error=0.01)])
        assert found.word == expected


def test_seeds_that_agree_by_chance_are_as_uncertain_as_their_images() -> None:
    same = row("a", "1", config={"k": 1}, standard_error=0.0, low=0.9, high=1.1, images=10_000)
    assert verdict({**VALUE, "within": 0.1}, rows=[same]).word == "undecided"


@pytest.mark.parametrize(
    ("bound", "interval", "expected"),
    [
        ({"at_most": 0.2}, (0.1, 0.15), "reproduced"),
        ({"at_most": 0.2}, (0.15, 0.25), "undecided"),
        ({"at_most": 0.2}, (0.3, 0.4), "contradicted"),
        ({"at_least": 1.4}, (1.5, 1.6), "reproduced"),
        ({"at_least": 1.4}, (1.3, 1.6), "undecided"),
        ({"at_least": 1.4}, (1.0, 1.2), "contradicted"),
        ({"at_least": 1.4, "at_most": 1.65}, (1.5, 1.6), "reproduced"),
        ({"at_least": 1.4, "at_most": 1.65}, (1.5, 1.7), "undecided"),
        ({"at_least": 1.4, "at_most": 1.65}, (2.0, 2.2), "contradicted"),
        ({"at_least": 1.4, "at_most": 1.65}, (1.0, 1.3), "contradicted"),
    ],
)
def test_time_ratio(bound: dict[str, float], interval: tuple[float, float], expected: str) -> None:
    claim = {"kind": "time_ratio", "of": ONE, "to": TWO, **bound}
    found = verdict(claim, ratios={("a 1", "a 2"): ratio_of(*interval)})
    assert found.word == expected
    assert "these implementations" in found.scope


@pytest.mark.parametrize(
    "ratio", [None, Estimate(0.1, None, None, None, 2, "blocks"), Estimate(0.1, 0.0, 0.1, 0.1, 5, "blocks")]
)
def test_a_ratio_of_which_no_spread_is_known_is_undecided(ratio: Estimate | None) -> None:
    claim = {"kind": "time_ratio", "of": ONE, "to": TWO, "at_most": 0.5}
    assert verdict(claim, ratios={("a 1", "a 2"): ratio}).word == "undecided"


@pytest.mark.parametrize(
    ("bounds", "message"),
    [({}, "write 'at_most', 'at_least' or both"), ({"at_most": 1, "at_least": 2}, "'at_least' is 2, above 'at_most'")],
)
def test_a_ratio_needs_bounds(bounds: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        claim_of({"kind": "time_ratio", "of": ONE, "to": TWO, **bounds})


SHARP, SOFT = {"activities": [0.9] * 50 + [0.1] * 250}, {"activities": np.linspace(0.9, 0.1, 300).tolist()}
CLEARER = {"kind": "clearer_separation", "of": ONE, "than": TWO, "task": "mnist"}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([SHARP], [SOFT], "undecided"),  # a toss of a coin
        ([SHARP] * 3, [SOFT] * 3, "undecided"),  # by chance in one of ten
        ([SHARP] * 4, [SOFT] * 4, "reproduced"),  # 2/70
        ([SOFT] * 4, [SHARP] * 4, "contradicted"),
        ([SHARP, SHARP, SHARP, SOFT], [SOFT] * 4, "undecided"),
        ([SOFT] * 4, [SOFT] * 4, "undecided"),
        ([SHARP] * 4, [], "undecided"),
    ],
)
def test_clearer_separation_is_tested_over_seeds(ours: list[Any], theirs: list[Any], expected: str) -> None:
    assert verdict(CLEARER, activity={"a 1": ours, "a 2": theirs}).word == expected


COUPLING = {"kind": "coupling_follows_activity", "of": ONE, "task": "mnist"}
FALLING = np.linspace(0.9, 0.1, 300).tolist()
WITH_IT = {"activities": FALLING, "couplings": FALLING}
AGAINST = {"activities": FALLING, "couplings": FALLING[::-1]}


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([WITH_IT], "undecided"),
        ([WITH_IT] * 5, "undecided"),  # 2/32
        ([WITH_IT] * 6, "reproduced"),
        ([AGAINST] * 6, "contradicted"),
        ([WITH_IT, AGAINST] * 4, "undecided"),
        ([{"activities": FALLING}] * 6, "undecided"),
    ],
)
def test_coupling_follows_activity_is_tested_over_seeds(models: list[Any], expected: str) -> None:
    assert verdict(COUPLING, activity={"a 1": models}).word == expected


def test_what_is_undefined_is_undecided_and_leaves_the_others_alone() -> None:
    constant = {"activities": FALLING, "couplings": [0.1] * 300}
    known = evidence_of(
        activity={"a 1": [WITH_IT] * 5 + [constant]},
        pairs={("a 1", "b"): pair(-2, 0.001), ("a 2", "b"): pair(-3, 1e-3)},
    )
    coupling, lower = judge([claim_of(COUPLING), claim_of(LOWER)], known)
    assert coupling.word == "undecided"
    assert "undefined, because couplings or activities are constant" in coupling.evidence
    assert lower.word == "reproduced"
    one_capsule = {"activities": [0.5], "couplings": [0.1]}
    assert verdict(COUPLING, activity={"a 1": [one_capsule] * 6}).word == "undecided"
    assert verdict(CLEARER, activity={"a 1": [one_capsule] * 6, "a 2": [one_capsule] * 6}).word == "undecided"


NOTHING_LEARNED = {"unlearned": 1, "measured": 88.5, "low": 88.0, "high": 89.0}


@pytest.mark.parametrize(
    "claim", [{**LOWER, "of": TWO}, {"kind": "lowest_error", "of": TWO, "among": A}, VALUE, CLEARER]
)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (NOTHING_LEARNED, "a 1 has not learned"),
        ({"unlike": "it has max-pooling"}, "a 1 is not what was published: it has max-pooling"),
    ],
)
def test_no_claim_rests_on_a_row_that_has_not_learned_or_is_another(
    claim: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    changed = row("a", "1", **{"config": {"k": 1}, **change})
    rows = [changed, row("a", "2", config={"k": 2})]
    claim = {"task": "mnist", **claim} | ({"than": ONE} if claim["kind"] == "lower_error" else {})
    known: dict[str, Any] = {
        "pairs": {("a 2", "a 1"): pair(-80, 1e-9)},
        "activity": {"a 1": [SHARP] * 4, "a 2": [SOFT] * 4},
    }
    found = verdict(claim, rows=rows, **known)
    assert found.word == "undecided"
    assert f"and decides nothing: {reason}" in found.evidence
    if claim["kind"] != "error_value":
        assert verdict(claim, rows=[row("a", "1", config={"k": 1}), rows[1]], **known).word != "undecided"


def test_a_time_is_one_of_an_implementation_whatever_it_has_learned() -> None:
    rows = [row("a", "1", config={"k": 1}, unlike="another", **NOTHING_LEARNED), row("a", "2", config={"k": 2})]
    claim = {"kind": "time_ratio", "of": ONE, "to": TWO, "at_most": 0.2}
    assert verdict(claim, rows=rows, ratios={("a 1", "a 2"): ratio_of(0.1, 0.15)}).word == "reproduced"


def test_rows_that_a_suite_does_not_have() -> None:
    for claim in (
        {**LOWER, "of": {"variant": "c"}},
        {"kind": "error_value", "of": {"variant": "c"}, "task": "mnist", "percent": 1, "within": 1},
        {"kind": "time_ratio", "of": {"variant": "c"}, "to": A, "at_most": 1},
    ):
        found = verdict(claim)
        assert (found.word, found.evidence) == ("undecided", "the suite has no such rows")


def test_what_is_not_measured_is_undecided() -> None:
    assert verdict(VALUE, rows=[row("a", "1", config={"k": 1}, measured=None, low=None, high=None)]).word == "undecided"


def test_a_report_has_a_verdict_for_each_claim_and_pairs_for_each_task() -> None:
    tables = example()
    assert [each.word for each in tables.verdicts] == [
        "undecided",  # two seeds that both have
        "undecided",  # 1.5 percent, with three seeds 0 to 3.2, of a quarter of the protocol
        "undecided",  # two rounds that both have
        "undecided",  # three seeds
        "undecided",  # 2/C(6, 3) = 0.1
        "undecided",
    ]
    assert {(row.task, row.other) for row in tables.pairs} == {("mnist", "capsnet r=3"), ("affnist", "capsnet r=3")}
    affnist = {row.title: row for row in tables.pairs if row.task == "affnist"}
    assert affnist["cnn"].finding == "worse"
    assert affnist["lcapsnet K=50 9×9"].finding == "better"
    assert affnist["cnn"].pair.difference == pytest.approx((30 + 33 - 20 - 22) / 2)  # of the seeds that both have


def test_every_claim_of_the_papers_suite_names_rows_of_it(tmp_path: Path) -> None:
    plan = make_plan(load_suite(Path(__file__).parents[3] / "suites" / "paper.yaml"), tmp_path)
    assert plan.claims
    rows: Any = dataclasses.replace(evidence_of(), errors=plan.table2, times=plan.table3)
    for claim in plan.claims:
        assert _groups(claim, rows), claim.sentence


def test_a_row_is_not_compared_with_itself() -> None:
    claim = {**LOWER, "of": A, "than": A}
    found = verdict(claim, pairs={("a 1", "a 2"): pair(-2, 0.001), ("a 2", "a 1"): pair(2, 0.001)})
    assert "a 1 less a 1" not in found.evidence
    assert found.word == "contradicted"
