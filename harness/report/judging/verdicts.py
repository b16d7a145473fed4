"""Verdicts on a suite's claims: reproduced, contradicted or undecided, each with its evidence.

A claim is about methods, and about all rows that it names: it is reproduced if every comparison confirms it, and
contradicted if one shows the opposite. It has one p-value, and the claims of a family are corrected together. It stays
undecided where its rows can't decide it: a method with one model, a model that has not learned, a small part of a
training, a network that differs from the published one. Other differences from what the paper ran, such as another
width or rebuilt data, are printed beside the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.claims import JudgedKind, judged_kinds, read_recorded
from harness.analysis.comparison import Comparison, Finding
from harness.errors import cause_of
from harness.plugins.isolation import stdout_aside
from harness.report.judging.errors import each_row, lower, lower_mean, lowest, value, values_of
from harness.report.judging.evidence import Evidence
from harness.report.judging.limits import limited, scope
from harness.report.judging.times import ratio
from harness.report.tables.rows import TableRow, Verdict, Word
from harness.statistics.estimate import LEVEL
from harness.statistics.several import holm, levels, p_text
from harness.suite.claims import (
    BaseClaim,
    Claim,
    ErrorValue,
    LowerError,
    LowerMeanError,
    LowestError,
    ModelClaim,
    OtherClaim,
    PublishedValues,
    TimeRatio,
)

JUDGES: dict[type, Callable[[Any, Evidence], list[Comparison]]] = {
    LowerError: lower,
    LowerMeanError: lower_mean,
    LowestError: lowest,
    ErrorValue: value,
    TimeRatio: ratio,
}


@dataclass(frozen=True)
class _Case:
    """A claim and the comparisons that it rests on.

    scope: what sets its rows apart from what the paper ran.
    """

    claim: BaseClaim
    comparisons: Sequence[Comparison]
    scope: str = ""

    @property
    def finding(self) -> Finding | None:
        """The finding of all comparisons together."""
        return combined([comparison.finding for comparison in self.comparisons])


@dataclass(frozen=True)
class _Judged:
    """A case with the level that its p-value has to be below, and its p-value corrected for the family."""

    case: _Case
    level: float
    p: float | None

    @property
    def word(self) -> Word:
        return _word(self.case.finding, self.level)


def judge(claims: Iterable[Claim], evidence: Evidence) -> list[Verdict]:
    """The verdicts on claims. Each has one p-value, which is corrected for the claims of its family (Holm)."""
    cases = [_case(each, evidence) for claim in claims for each in _single(claim, evidence)]
    found: dict[int, Verdict] = {}
    for family in dict.fromkeys(case.claim.family for case in cases):
        places = [place for place, case in enumerate(cases) if case.claim.family == family]
        judged = _corrected([cases[place] for place in places])
        each = _each(judged, evidence)
        for number, place in enumerate(places):
            found[place] = _verdict(judged[number], each.get(number), len(places))
    return [found[place] for place in range(len(cases))]


def _single(claim: Claim, evidence: Evidence) -> Sequence[Claim]:
    """The claim itself, or one claim for each row with a published value."""
    if not isinstance(claim, PublishedValues):
        return [claim]
    return values_of(claim, evidence) or [claim]


def _case(claim: Claim, evidence: Evidence) -> _Case:
    if isinstance(claim, OtherClaim):
        return _case_of_analysis(claim, evidence)
    if isinstance(claim, PublishedValues):
        return _Case(claim, [Comparison("no row of these tasks has a published value")])
    comparisons = _limited(claim, JUDGES[type(claim)](claim, evidence), evidence)
    return _Case(claim, comparisons, scope(claim, rows_of_claim(claim, evidence)))


def _case_of_analysis(claim: OtherClaim, evidence: Evidence) -> _Case:
    """A claim that an analysis judges; undecided if the analysis is not loaded, or fails."""
    kind = judged_kinds().get(claim.kind)
    if kind is None:
        reason = f"the analysis that judges '{claim.kind}' is not loaded here; name its file with --plugin"
        return _Case(claim, [Comparison(reason)])
    try:
        return _judged_by(kind, claim, evidence)
    except (Exception, SystemExit) as error:  # an analysis may be the user's own, and costs no other verdict
        return _Case(claim, [Comparison(f"it can't be judged: {cause_of(error)}")])


def _judged_by(kind: JudgedKind, claim: OtherClaim, evidence: Evidence) -> _Case:
    read = read_recorded(claim, kind)
    with stdout_aside():
        comparisons = kind.judge(read, evidence.rows_of(kind.analysis))
    return _Case(claim, _limited(read, comparisons, evidence), scope(read, rows_of_claim(read, evidence)))


def _limited(claim: BaseClaim, comparisons: Sequence[Comparison], evidence: Evidence) -> list[Comparison]:
    return [limited(claim, comparison, evidence.errors) for comparison in comparisons]


def combined(findings: Sequence[Finding | None]) -> Finding | None:
    """The finding of several comparisons, all of which must hold; None if they decide nothing.

    The claim is confirmed at the largest p-value, since every comparison must be shown. One comparison is enough to
    contradict it: at the smallest p-value, times the number of comparisons.
    """
    known = [(each.holds, each.p) for each in findings if each is not None and each.p is not None]
    against = [p for holds, p in known if not holds]
    if against:
        return Finding(False, min(1.0, len(known) * min(against)))
    return Finding(True, max(p for _, p in known)) if known and len(known) == len(findings) else None


def _corrected(cases: Sequence[_Case]) -> list[_Judged]:
    """The cases of a family with corrected p-values; cases without a p-value take no part in the correction."""
    ps = [case.finding.p for case in cases if case.finding is not None and case.finding.p is not None]
    known = iter(zip(levels(ps), holm(ps), strict=True))
    return [_Judged(case, *next(known)) if case.finding is not None else _Judged(case, LEVEL, None) for case in cases]


def _word(finding: Finding | None, level: float) -> Word:
    if finding is None or finding.p is None or finding.p >= level:
        return "undecided"
    return "reproduced" if finding.holds else "contradicted"


def _each(judged: Sequence[_Judged], evidence: Evidence) -> dict[int, tuple[Word, str]]:
    """For reproduced claims on means with `each`, by number: whether each row alone confirms it, and the texts.

    All rows have to confirm it at the level of the claim.
    """
    found = {}
    for number, one in enumerate(judged):
        claim = one.case.claim
        if isinstance(claim, LowerMeanError) and claim.each and one.word == "reproduced":
            alone = _Case(claim, _limited(claim, each_row(claim, evidence), evidence))
            again = _Judged(alone, one.level, None)
            found[number] = again.word, "; ".join(_texts(again))
    return found


def _verdict(judged: _Judged, each: tuple[Word, str] | None, claims: int) -> Verdict:
    case, claim = judged.case, judged.case.claim
    texts = _texts(judged)
    if judged.p is not None and (len(case.comparisons), claims) != (1, 1):
        which = f"the family '{claim.family}'" if claim.family else "this report"
        texts.append(f"all in all {p_text(judged.p)}, corrected for the claims of {which}")
    texts += _without_flags(judged)
    if each is not None:
        texts.append(f"each row alone, asked once the means differ: {each[0]} ({each[1]})")
    return Verdict(
        sentence=claim.sentence,
        where=claim.where,
        word=judged.word,
        evidence="; ".join(texts),
        scope=case.scope,
        family=claim.family or "",
        p=judged.p,
        each=each[0] if each is not None else None,
    )


def _texts(judged: _Judged) -> list[str]:
    """The texts of the comparisons, then the tests that were used."""
    comparisons = judged.case.comparisons
    if not comparisons:
        return ["the suite has no such rows"]
    texts = [_text(comparison, judged.level) for comparison in comparisons]
    return texts + list(dict.fromkeys(comparison.test for comparison in comparisons if comparison.test))


def _text(comparison: Comparison, level: float) -> str:
    text = comparison.text_at(level)
    return text if comparison.p is None else f"{text}, {p_text(comparison.p)}"


def _without_flags(judged: _Judged) -> list[str]:
    """The reasons why rounds are flagged and, for a decided claim, the verdict without those rounds."""
    comparisons = judged.case.comparisons
    flags = list(dict.fromkeys(each.flags for each in comparisons if each.flags))
    if not flags:
        return []
    text = f"flagged: {'; '.join(flags)}"
    if judged.word == "undecided":
        return [text]
    word = _word(combined([each.unflagged if each.flags else each.finding for each in comparisons]), judged.level)
    return [f"{text}; without them {'the same' if word == judged.word else word}"]


def rows_of_claim(claim: BaseClaim, evidence: Evidence) -> list[TableRow]:
    """The rows that a claim is about."""
    if isinstance(claim, TimeRatio):
        return [*evidence.times_of(claim.of), *evidence.times_of(claim.to)]
    if isinstance(claim, ModelClaim):
        selectors = claim.selectors
    else:
        assert isinstance(claim, LowerError | LowerMeanError | LowestError | ErrorValue)
        selectors = [claim.of]
        if isinstance(claim, LowestError):
            selectors.append(claim.among)
        elif isinstance(claim, LowerError | LowerMeanError):
            selectors.append(claim.than)
    return [row for selector in selectors for row in evidence.errors_of(selector, claim.task)]
