"""Verdicts on claims, from evidence made by hand."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.special import stdtrit

from harness.analysis.claims import judged_kinds, read_claim
from harness.plan.make import make_plan
from harness.report.judging.cases import JUDGES, rows_of_claim
from harness.report.judging.verdicts import judge
from harness.report.tables.pairs import Pair
from harness.report.tables.rows import Verdict
from harness.report.tables.timed import Rated
from harness.statistics.estimate import Estimate
from harness.statistics.ratios import Ratio
from harness.suite.claims import KINDS, Claim, OtherClaim, PublishedValues
from harness.suite.load import load_suite
from tests.harness.report.example import example
from tests.harness.report.judging.made_evidence import SEEDS, evidence_of, row

A, B = {"variant": "a"}, {"variant": "b"}
ONE, TWO = {"variant": "a", "config": {"k": 1}}, {"variant": "a", "config": {"k": 2}}


def pair(difference: float, p: float, seeds: int = SEEDS) -> Pair:
    """A difference whose p-value, of ten degrees of freedom, is p."""
    return Pair(estimate(difference, p), p, (seeds, seeds))


def estimate(value: float, p: float) -> Estimate:
    """An estimate with so many points and this two-sided p-value of none."""
    return Estimate(value, abs(value) / float(stdtrit(10, 1 - p / 2)), 10)


def ratio_of(low: float, high: float) -> Ratio:
    """A ratio over ten rounds with this interval."""
    mean = (math.log(low) + math.log(high)) / 2
    return Ratio(math.exp(mean), 10, Estimate(mean, math.log(high / low) / (2 * 2.262157), 9))


def claim_of(claim: dict[str, Any]) -> Any:
    return TypeAdapter(Claim).validate_python({"sentence": "so it is", **claim})


def verdict(claim: dict[str, Any], **known: Any) -> Verdict:
    """The verdict on one claim."""
    [found] = judge([claim_of(claim)], evidence_of(**known))
    return found


LOWER = {"kind": "lower_error", "of": A, "than": B, "task": "mnist"}
VALUE = {"kind": "error_value", "of": ONE, "task": "mnist", "percent": 1.0, "within": 0.2}
SHARP, SOFT = {"activities": [0.9] * 50 + [0.1] * 250}, {"activities": np.linspace(0.9, 0.1, 300).tolist()}
CLEARER = {"kind": "clearer_separation", "of": ONE, "than": TWO, "task": "mnist"}
COUPLING = {"kind": "coupling_follows_activity", "of": ONE, "task": "mnist"}
FALLING = np.linspace(0.9, 0.1, 300).tolist()
WITH_IT = {"activities": FALLING, "couplings": FALLING}
AGAINST = {"activities": FALLING, "couplings": FALLING[::-1]}
NEARLY = {"activities": FALLING, "couplings": FALLING[:-2] + FALLING[:-3:-1]}
NEARLY_AGAINST = {"activities": FALLING, "couplings": NEARLY["couplings"][::-1]}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pair(-2, 0.001), pair(-3, 0.001), "reproduced"),
        (pair(-2, 0.001), pair(-3, 0.2), "undecided"),  # all rows must be lower
        (pair(-2, 0.001), pair(3, 0.001), "contradicted"),
        (pair(-2, 0.03), pair(-3, 0.04), "reproduced"),  # each of them is shown
        (pair(-2, 0.03), pair(3, 0.03), "undecided"),  # one of two against it: 0.03 counts as 0.06
        (pair(-2, 0.001), None, "undecided"),
        (pair(2, 0.001), None, "contradicted"),  # one is enough against it
    ],
)
def test_lower_error(first: Pair, second: Pair | None, expected: str) -> None:
    found = verdict(LOWER, pairs={("a 1", "b"): first, ("a 2", "b"): second})
    assert found.word == expected
    low, high = first.estimate.interval()
    told = f"a 1 less b {first.estimate.value:+.2f} points ({low:+.2f} to {high:+.2f}), could show ".replace("-", "−")
    assert told in found.evidence
    assert found.scope == "width 64 instead of 256; one; seed"  # each reason once


@pytest.mark.parametrize(("value", "expected"), [(-7.0, "reproduced"), (-4.1, "undecided"), (-1.0, "contradicted")])
def test_lower_error_by_a_margin(value: float, expected: str) -> None:
    known = Pair(Estimate(value, 0.5, 10), 0.001, (SEEDS, SEEDS))
    found = verdict({**LOWER, "of": ONE, "by": 4}, pairs={("a 1", "b"): known})
    assert found.word == expected
    assert "claimed at least 4 lower" in found.evidence


def test_two_models_decide_nothing_about_methods() -> None:
    found = verdict({**LOWER, "of": ONE}, pairs={("a 1", "b"): pair(-9, 1e-9, 1)})
    assert (found.word, found.p) == ("undecided", None)
    assert found.evidence.startswith("these two models: a 1 less b −9.00 points")
    assert "says nothing of models of other seeds" in found.evidence
    assert verdict({**LOWER, "of": ONE}, pairs={("a 1", "b"): pair(-9, 1e-9, 2)}).word == "reproduced"


MEAN = {"kind": "lower_mean_error", "of": A, "than": B, "task": "mnist"}


@pytest.mark.parametrize(
    ("value", "p", "by", "expected"),
    [
        (-3.0, 0.001, 0.0, "reproduced"),
        (-3.0, 0.2, 0.0, "undecided"),
        (3.0, 0.001, 0.0, "contradicted"),
        (-3.0, 0.001, 2.9, "undecided"),
        (-3.0, 1e-6, 6.0, "contradicted"),  # lower, and by less
    ],
)
def test_lower_mean_error(value: float, p: float, by: float, expected: str) -> None:
    found = verdict({**MEAN, "by": by}, contrasts={(2, 1): estimate(value, p)})
    assert (found.word, found.each) == (expected, None)
    assert found.evidence.startswith("the mean of 2 rows (a 1, a 2) less b ")


def test_each_row_is_asked_only_where_the_means_differ() -> None:
    claim = {**MEAN, "each": True}
    both = {("a 1", "b"): pair(-4, 0.001), ("a 2", "b"): pair(-2, 0.01)}
    one = {("a 1", "b"): pair(-4, 0.001), ("a 2", "b"): pair(-2, 0.3)}
    shown, not_shown = {(2, 1): estimate(-3, 0.001)}, {(2, 1): estimate(-3, 0.3)}
    found = verdict(claim, contrasts=shown, pairs=both)
    assert (found.word, found.each) == ("reproduced", "reproduced")
    assert "each row alone, asked once the means differ: reproduced (a 1 less b −4.00 points" in found.evidence
    found = verdict(claim, contrasts=shown, pairs=one)
    assert (found.word, found.each) == ("reproduced", "undecided")
    found = verdict(claim, contrasts=not_shown, pairs=both)
    assert (found.word, found.each) == ("undecided", None)
    assert "each row alone" not in found.evidence


def test_a_mean_that_is_not_known_is_undecided() -> None:
    found = verdict(MEAN)
    assert found.word == "undecided"
    assert "is not measured on the same images, with two seeds of a row of each side" in found.evidence


def test_families_are_corrected_apart() -> None:
    claim = {**LOWER, "of": ONE}
    families = ["errors"] * 3 + ["times"] + [None]
    claims = [claim_of({**claim, "family": family}) for family in families]
    found = judge(claims, evidence_of(pairs={("a 1", "b"): pair(-1, 0.02)}))
    assert [each.word for each in found] == ["undecided"] * 3 + ["reproduced"] * 2
    assert [each.p for each in found] == pytest.approx([0.06] * 3 + [0.02] * 2)
    assert [each.family for each in found] == ["errors", "errors", "errors", "times", ""]
    assert "all in all p = 0.06, corrected for the claims of the family 'errors'" in found[0].evidence


def test_what_can_decide_nothing_takes_no_part_in_the_correction() -> None:
    undecidable = {**LOWER, "of": TWO}
    claims = [claim_of({**LOWER, "of": ONE}), *[claim_of(undecidable)] * 4]
    known = evidence_of(pairs={("a 1", "b"): pair(-1, 0.04), ("a 2", "b"): pair(-9, 1e-9, 1)})
    assert [each.word for each in judge(claims, known)] == ["reproduced"] + ["undecided"] * 4


def test_intervals_stand_at_the_level_that_decides() -> None:
    """Of four claims at once, of which nothing is shown, each has an interval that leaves out 1.25%."""
    found = judge([claim_of({**LOWER, "of": ONE})] * 4, evidence_of(pairs={("a 1", "b"): pair(-1, 0.02)}))
    low, high = pair(-1, 0.02).estimate.interval(0.05 / 4)
    assert high > 0
    assert f"({low:+.2f} to {high:+.2f})".replace("-", "−") in found[0].evidence
    assert f"could show {pair(-1, 0.02).estimate.detectable(0.05 / 4):.2f}" in found[0].evidence


@pytest.mark.parametrize("claim", [{**LOWER, "of": ONE}, {**MEAN, "of": ONE}, {**VALUE, "of": TWO}, CLEARER, COUPLING])
def test_the_beginning_of_a_training_decides_nothing(claim: dict[str, Any]) -> None:
    def words(fraction: float) -> str:
        rows = [row("a", str(n), config={"k": n}, fraction=fraction) for n in (1, 2)] + [row("b")]
        known: dict[str, Any] = {
            "pairs": {("a 1", "b"): pair(-2, 0.001)},
            "contrasts": {(1, 1): estimate(-2, 0.001)},
            "activity": {
                "a 1": [SHARP] * 6 if claim is CLEARER else [WITH_IT, NEARLY, NEARLY],
                "a 2": [SOFT] * 6,
            },
        }
        found = verdict(claim, rows=rows, **known)
        assert (fraction < 0.1) == ("of its protocol, and 10% are the least" in found.evidence)
        return found.word

    assert words(0.0999) == "undecided"
    assert words(0.1) == "reproduced"


def test_curves_that_still_fall_decide_nothing() -> None:
    def word(falling: float | None) -> str:
        rows = [row("a", "1", config={"k": 1}, falling=0.1), row("b", falling=falling)]
        known: dict[str, Any] = {"pairs": {("a 1", "b"): pair(-2, 0.001)}, "contrasts": {(1, 1): estimate(-2, 0.001)}}
        found = [verdict({**each, "of": ONE}, rows=rows, **known) for each in (LOWER, MEAN)]
        for each in found:
            assert (each.word == "undecided") == ("the error of b in training still fell by" in each.evidence)
        assert found[0].word == found[1].word
        return found[0].word

    assert word(1.01) == "undecided"
    assert word(0.99) == word(-5.0) == word(None) == "reproduced"


def test_a_lost_seed_still_counts() -> None:
    rows = [row("a", "1", config={"k": 1}, incomplete="5 of 6 seeds", comparable=False), row("b")]
    found = verdict(VALUE, rows=rows)
    assert (found.word, found.scope) == ("reproduced", "5 of 6 seeds")


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
        found = verdict(
            VALUE, rows=[row("a", "1", config={"k": 1}, n=seeds)], over_seeds=Estimate(1.0, 0.01, seeds - 1)
        )
        assert found.word == expected
    assert verdict(VALUE, rows=[row("a", "1", config={"k": 1}, n=1)], over_seeds=None).word == "undecided"


def test_a_value_is_reproduced_if_its_90_percent_interval_lies_within() -> None:
    known: dict[str, Any] = {"rows": [row("a", "1", config={"k": 1})], "over_seeds": Estimate(1.0, 0.1, 5)}
    half = 2.015048 * 0.1  # of Student's t, which 5% lie above
    found = verdict({**VALUE, "within": half + 0.001}, **known)
    assert found.word == "reproduced"
    assert "a 1 1.00% (0.80 to 1.20 over seeds), claimed 1 ± 0.20" in found.evidence
    assert verdict({**VALUE, "within": half - 0.001}, **known).word == "undecided"


def test_seeds_of_which_no_spread_is_known_decide_no_value() -> None:
    same = [row("a", "1", config={"k": 1})]
    assert verdict(VALUE, rows=same, over_seeds=Estimate(1.0, 0.0, 5)).word == "undecided"


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


@pytest.mark.parametrize("ratio", [None, Ratio(0.1, 2, None), Ratio(0.1, 5, Estimate(math.log(0.1), 0.0, 4))])
def test_a_ratio_of_which_no_spread_is_known_is_undecided(ratio: Ratio | None) -> None:
    claim = {"kind": "time_ratio", "of": ONE, "to": TWO, "at_most": 0.5}
    assert verdict(claim, ratios={("a 1", "a 2"): ratio}).word == "undecided"


@pytest.mark.parametrize(
    ("without", "told"),
    [
        (ratio_of(0.1, 0.15), "without them the same"),
        (ratio_of(0.1, 0.3), "without them undecided"),
        (ratio_of(0.3, 0.4), "without them contradicted"),
        (Ratio(0.1, 2, None), "without them undecided"),
        (None, "without them undecided"),
    ],
)
def test_a_verdict_says_whether_it_holds_without_the_flagged_rounds(without: Ratio | None, told: str) -> None:
    claim = {"kind": "time_ratio", "of": ONE, "to": TWO, "at_most": 0.2}
    flagged = Rated(ratio_of(0.1, 0.15), without, 2, ("never steady", "others were busy"))
    found = verdict(claim, ratios={("a 1", "a 2"): flagged})
    assert found.word == "reproduced"
    assert f"flagged: 2 of 10 rounds: never steady, others were busy; {told}" in found.evidence
    undecided = Rated(ratio_of(0.1, 0.3), without, 2, ("never steady",))
    found = verdict(claim, ratios={("a 1", "a 2"): undecided})
    assert "flagged: 2 of 10 rounds: never steady" in found.evidence
    assert "without them" not in found.evidence


@pytest.mark.parametrize(
    ("bounds", "message"),
    [({}, "write 'at_most', 'at_least' or both"), ({"at_most": 1, "at_least": 2}, "'at_least' is 2, above 'at_most'")],
)
def test_a_ratio_needs_bounds(bounds: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        claim_of({"kind": "time_ratio", "of": ONE, "to": TWO, **bounds})


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


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([WITH_IT], "undecided"),
        ([WITH_IT, NEARLY], "undecided"),
        ([WITH_IT, NEARLY, NEARLY], "reproduced"),
        ([AGAINST, AGAINST, NEARLY_AGAINST], "contradicted"),
        ([WITH_IT, AGAINST] * 4, "undecided"),
        ([WITH_IT] * 6, "undecided"),  # no spread
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
        "reproduced",  # 8 points, with three seeds against two
        "undecided",  # 1.5 percent, with three seeds 0 to 3.2, of a quarter of the protocol
        "undecided",  # two rounds that both have
        "reproduced",  # three seeds that agree
        "undecided",  # 2/C(6, 3) = 0.1
        "reproduced",  # by far more than a point
        "undecided",
    ]
    assert {(row.task, row.other) for row in tables.pairs} == {("mnist", "capsnet r=3"), ("affnist", "capsnet r=3")}
    affnist = {row.title: row for row in tables.pairs if row.task == "affnist"}
    assert affnist["cnn"].finding == "worse"
    assert affnist["lcapsnet K=50 9×9"].finding == "better"
    assert affnist["cnn"].pair.estimate.value == pytest.approx(31.5 - 21)  # of all seeds, which are no pairs


def test_every_claim_of_the_papers_suite_names_rows_of_it(tmp_path: Path) -> None:
    plan = make_plan(load_suite(Path(__file__).parents[4] / "suites" / "paper.yaml"), tmp_path)
    assert plan.claims
    planned: dict[str, Any] = {"errors": plan.errors, "times": plan.times}
    rows = dataclasses.replace(evidence_of(), **planned)
    for each in plan.claims:
        if isinstance(each, PublishedValues):
            assert each.within.keys() == {row.task for row in plan.errors}
            continue
        claim: Any = read_claim(each, "claims") if isinstance(each, OtherClaim) else each
        sides = [claim.of, *(getattr(claim, side) for side in ("than", "among", "to") if hasattr(claim, side))]
        for side in sides:
            assert rows_of_claim(claim.model_copy(update={"of": side}), rows), claim.sentence


def test_published_values_are_a_claim_for_each_row_that_has_one() -> None:
    rows = [
        row("a", "1", config={"k": 1}, published=1.0),
        row("a", "2", config={"k": 2}, published=3.0),
        row("b", published=None),
        row("b", task="affnist", published=20.0),
    ]
    claim = {"kind": "published_values", "within": {"mnist": 0.2}, "where": "Table 2", "family": "values"}
    found = judge([TypeAdapter(Claim).validate_python(claim)], evidence_of(rows=rows))
    assert [(each.sentence, each.word) for each in found] == [
        ("a 1 on mnist: 1%", "reproduced"),  # 0.9 to 1.1 is measured of all
        ("a 2 on mnist: 3%", "contradicted"),
    ]
    assert {(each.where, each.family) for each in found} == {("Table 2", "values")}
    [nothing] = judge([TypeAdapter(Claim).validate_python({**claim, "within": {"other": 1}})], evidence_of(rows=rows))
    assert (nothing.word, nothing.evidence) == ("undecided", "no row of these tasks has a published value")


def test_every_kind_of_claim_is_judged() -> None:
    models = {get_args(each)[0] for each in get_args(get_args(Claim)[0])}
    assert models == {*JUDGES, PublishedValues, OtherClaim} == {*KINDS.values(), OtherClaim}
    assert judged_kinds().keys() == {"clearer_separation", "coupling_follows_activity"}


def test_a_row_is_not_compared_with_itself() -> None:
    claim = {**LOWER, "of": A, "than": A}
    found = verdict(claim, pairs={("a 1", "a 2"): pair(-2, 0.001), ("a 2", "a 1"): pair(2, 0.001)})
    assert "a 1 less a 1" not in found.evidence
    assert found.word == "contradicted"
