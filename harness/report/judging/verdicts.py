"""Verdicts on a suite's claims: reproduced, contradicted or undecided, each with its evidence.

A claim is about methods, and about all rows that it names: it is reproduced if each of its comparisons shows it, and
contradicted if one shows the opposite. So it has one p-value, and the claims of a family are corrected together. What
nothing can be shown by (one model of a method, a model that has not learned, a small part of a training, another
network than the published one) leaves it undecided. What else sets a row apart from what the paper ran (another width,
rebuilt data) stands beside the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.claims import judged_kinds, read_recorded
from harness.errors import cause_of
from harness.plugins.isolation import stdout_aside
from harness.report.judging.errors import each_row, lower, lower_mean, lowest, value, values_of
from harness.report.judging.part import Evidence, Finding, Part, missing, together
from harness.report.judging.rows import caveats_of, errors_of, times_of
from harness.report.judging.times import ratio
from harness.report.tables.rows import TableRow, Verdict, Word
from harness.statistics.estimate import LEVEL
from harness.statistics.several import holm, levels, told
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

PARTS: dict[type, Callable[[Any, Evidence], list[Part]]] = {
    LowerError: lower,
    LowerMeanError: lower_mean,
    LowestError: lowest,
    ErrorValue: value,
    TimeRatio: ratio,
}


@dataclass(frozen=True)
class _Case:
    """A claim and what speaks for and against it."""

    claim: BaseClaim
    parts: Sequence[Part]
    finding: Finding | None
    scope: str


@dataclass(frozen=True)
class _Judged:
    """A case with the level that its p-value had to pass, and the p-value corrected for its family."""

    case: _Case
    level: float
    p: float | None

    @property
    def word(self) -> Word:
        return _word(self.case.finding, self.level)


def judge(claims: Iterable[Claim], evidence: Evidence) -> list[Verdict]:
    """The verdicts, with one p-value for each claim, corrected for the claims of its family (Holm)."""
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
    """The claims that one stands for: itself, or one for each row of a published table."""
    if not isinstance(claim, PublishedValues):
        return [claim]
    return values_of(claim, evidence) or [claim]


def _case(claim: Claim, evidence: Evidence) -> _Case:
    if isinstance(claim, OtherClaim):
        return _case_of_analysis(claim, evidence)
    if isinstance(claim, PublishedValues):
        return _Case(claim, [missing("no row of these tasks has a published value")], None, "")
    parts = PARTS[type(claim)](claim, evidence)
    return _Case(claim, parts, together([part.found for part in parts]), _scope(claim, _rows(claim, evidence)))


def _case_of_analysis(claim: OtherClaim, evidence: Evidence) -> _Case:
    """A claim that an analysis judges. Where that is not loaded here, or fails, nothing is decided."""
    if claim.kind not in judged_kinds():
        told = f"the analysis that judges '{claim.kind}' is not loaded here; name its file with --plugin"
        return _Case(claim, [missing(told)], None, "")
    try:
        read, judge_parts = read_recorded(claim)
        with stdout_aside():
            parts = judge_parts(read, evidence)
        return _Case(claim, parts, together([part.found for part in parts]), _scope(read, _rows(read, evidence)))
    except (Exception, SystemExit) as error:  # an analysis may be the user's own, and costs no other verdict
        return _Case(claim, [missing(f"it can't be judged: {cause_of(error)}")], None, "")


def _corrected(cases: Sequence[_Case]) -> list[_Judged]:
    """The cases of a family; those that nothing can be told of take no part in the correction."""
    ps = [case.finding.p for case in cases if case.finding is not None and case.finding.p is not None]
    known = iter(zip(levels(ps), holm(ps), strict=True))
    return [_Judged(case, *next(known)) if case.finding is not None else _Judged(case, LEVEL, None) for case in cases]


def _word(finding: Finding | None, level: float) -> Word:
    if finding is None or finding.p is None or finding.p >= level:
        return "undecided"
    return "reproduced" if finding.holds else "contradicted"


def _each(judged: Sequence[_Judged], evidence: Evidence) -> dict[int, tuple[Word, str]]:
    """Of the claims on means that are reproduced and ask for it: whether each row alone shows it, and how.

    All rows have to show it at the level that the claim had to pass.
    """
    found = {}
    for number, one in enumerate(judged):
        claim = one.case.claim
        if isinstance(claim, LowerMeanError) and claim.each and one.word == "reproduced":
            parts = each_row(claim, evidence)
            again = _Judged(_Case(claim, parts, together([part.found for part in parts]), ""), one.level, None)
            found[number] = again.word, "; ".join(_texts(again))
    return found


def _verdict(judged: _Judged, each: tuple[Word, str] | None, claims: int) -> Verdict:
    case, claim = judged.case, judged.case.claim
    texts = _texts(judged)
    if judged.p is not None and (len(case.parts), claims) != (1, 1):
        which = f"the family '{claim.family}'" if claim.family else "this report"
        texts.append(f"all in all {told(judged.p)}, corrected for the claims of {which}")
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
    """The comparisons in words, then what they were tested by."""
    parts = judged.case.parts
    if not parts:
        return ["the suite has no such rows"]
    texts = [_text(part, judged.level) for part in parts]
    return texts + list(dict.fromkeys(part.test for part in parts if part.test))


def _text(part: Part, level: float) -> str:
    p = part.found.p if part.found is not None else None
    return part.tell(level) if p is None else f"{part.tell(level)}, {told(p)}"


def _without_flags(judged: _Judged) -> list[str]:
    """Which rounds are flagged and, of a claim that is decided, whether it would be without them."""
    parts = judged.case.parts
    flags = list(dict.fromkeys(part.flags for part in parts if part.flags))
    if not flags:
        return []
    text = f"flagged: {'; '.join(flags)}"
    if judged.word == "undecided":
        return [text]
    word = _word(together([part.unflagged if part.flags else part.found for part in parts]), judged.level)
    return [f"{text}; without them {'the same' if word == judged.word else word}"]


def _rows(claim: BaseClaim, evidence: Evidence) -> list[TableRow]:
    """The rows that a claim is about."""
    if isinstance(claim, TimeRatio):
        return [*times_of(evidence.times, claim.of), *times_of(evidence.times, claim.to)]
    if isinstance(claim, ModelClaim):
        return [row for each in claim.rows for row in errors_of(evidence.errors, each, claim.task)]
    assert isinstance(claim, LowerError | LowerMeanError | LowestError | ErrorValue)
    wanted = [claim.of]
    if isinstance(claim, LowestError):
        wanted.append(claim.among)
    elif isinstance(claim, LowerError | LowerMeanError):
        wanted.append(claim.than)
    return [row for each in wanted for row in errors_of(evidence.errors, each, claim.task)]


def _scope(claim: BaseClaim, rows: Sequence[TableRow]) -> str:
    caveats = [caveat for row in rows for caveat in caveats_of(row)]
    if isinstance(claim, TimeRatio):
        caveats.append("times are those of these implementations on this machine")
    return "; ".join(dict.fromkeys(caveats))
