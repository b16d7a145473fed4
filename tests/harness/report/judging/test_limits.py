"""The report takes the p-value of a row that can't decide a claim away, whoever has made the comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter

from harness.analysis import ANALYSES, Analysis, Comparison, Finding, Rows
from harness.report.judging.verdicts import judge
from harness.report.tables.rows import ErrorRow, Verdict
from harness.suite.claims import Claim, ModelClaim, RowSelector
from tests.harness.report.judging.made_evidence import evidence_of, row

CLAIM = {"kind": "is_so", "sentence": "so it is", "of": {"variant": "a"}, "task": "mnist"}
Compare = Callable[[Rows], list[Comparison]]


class IsSo(ModelClaim):
    kind: Literal["is_so"]


@pytest.fixture
def verdict() -> Any:
    """The verdict on a claim that an analysis judges by certain comparisons of certain rows."""

    def verdict(compare: Compare, *table: ErrorRow) -> Verdict:
        class IsIt(Analysis):
            claims = {IsSo: lambda claim, rows: compare(rows)}  # noqa: RUF012

        with ANALYSES.apart():
            ANALYSES.register("is_it")(IsIt)
            [found] = judge([TypeAdapter(Claim).validate_python(CLAIM)], evidence_of(rows=list(table)))
        return found

    return verdict


def shown(rows: Rows) -> list[Comparison]:
    """A comparison of all rows, which is shown."""
    return [Comparison("it is so", Finding(True, 0.001), rows=rows.trained)]


def test_every_row_of_an_analysis_must_be_able_to_decide(verdict: Any) -> None:
    found = verdict(shown, row("a"), row("b"))
    assert (found.word, found.evidence) == ("reproduced", "it is so, p = 0.001")
    for change, reason in (
        ({"unlearned": 1}, "b has not learned"),
        ({"fraction": 0.05}, "b was trained for 5.00% of its protocol, and 10% are the least"),
        ({"unlike": "it has no bias"}, "b is not what was published: it has no bias"),
    ):
        found = verdict(shown, row("a"), row("b", **change))
        assert (found.word, found.evidence) == ("undecided", f"it is so, and decides nothing: {reason}")


def test_curves_that_still_fall_limit_differences_of_errors_alone(verdict: Any) -> None:
    def difference(rows: Rows) -> list[Comparison]:
        return [Comparison("less", Finding(True, 0.001), rows=rows.trained, error_difference=-2.0)]

    assert verdict(difference, row("a", falling=0.99)).word == "reproduced"
    assert verdict(difference, row("a", falling=1.01)).word == "undecided"
    assert verdict(shown, row("a", falling=1.01)).word == "reproduced"


def test_a_comparison_with_a_p_value_names_its_rows(verdict: Any) -> None:
    with pytest.raises(ValueError, match="must name its rows"):
        Comparison("it is so", Finding(True, 0.001))
    found = verdict(lambda rows: [Comparison("it is so", Finding(True, 0.001))], row("a"))
    assert found.word == "undecided"
    assert "it can't be judged: ValueError: a comparison with a p-value must name its rows" in found.evidence
    assert Comparison("it is so", Finding(True, None)).p is None


def test_a_comparison_names_rows_of_the_report(verdict: Any) -> None:
    found = verdict(lambda rows: [Comparison("it is so", Finding(True, 0.001), rows=[row("z")])], row("a"))
    assert found.word == "undecided"
    assert (
        "it can't be judged: ValueError: a comparison names the row 'z' on 'mnist', which is not in" in found.evidence
    )


def test_an_analysis_sees_full_titles_and_selects_by_them(verdict: Any) -> None:
    def selected(rows: Rows) -> list[Comparison]:
        found = rows.select(RowSelector(variant="a", config={"k": 1}), "mnist")
        return [Comparison(f"{each.title} on {each.task}, {each.short_title} for short") for each in found]

    table = [row("a", "1", config={"k": 1, "l": 2}), row("a", "2", config={"k": 2}), row("a", "1", task="affnist")]
    assert verdict(selected, *table).evidence == "a 1 on mnist, short a 1 for short"


def test_an_analysis_that_fails_late_costs_no_report(verdict: Any) -> None:
    def text(level: float) -> str:
        raise KeyError("no text")

    for compare, reason in (
        (lambda rows: [Comparison(text, Finding(True, 0.001), rows=rows.trained)], "KeyError: 'no text'"),
        (lambda rows: [Comparison("nan", Finding(True, float("nan")), rows=rows.trained)], "and this one is nan"),
        (lambda rows: ["it is so"], "AttributeError"),
    ):
        found = verdict(compare, row("a"))
        assert found.word == "undecided"
        assert found.evidence.startswith("it can't be judged: ")
        assert reason in found.evidence
