"""Verdicts on a suite's claims: reproduced, contradicted or undecided, each with its evidence.

A claim is about methods, and about all rows that it names: it is reproduced if every comparison confirms it, and
contradicted if one shows the opposite. It has one p-value, and the claims of a family are corrected together. It stays
undecided where its rows can't decide it: a method with one model, a model that has not learned, a small part of a
training, a network that differs from the published one. Other differences from what the paper ran, such as another
width or rebuilt data, are printed beside the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.comparison import Comparison, Finding
from harness.report.judging.cases import Case, cases_of, combined, limited_all
from harness.report.judging.errors import each_row
from harness.report.judging.evidence import Evidence
from harness.report.tables.rows import Verdict, Word
from harness.statistics.estimate import LEVEL
from harness.statistics.several import holm, levels, p_text
from harness.suite.claims import Claim, LowerMeanError


@dataclass(frozen=True)
class _Judged:
    """A case with the level that its p-value has to be below, and its p-value corrected for the family."""

    case: Case
    level: float
    p: float | None

    @property
    def word(self) -> Word:
        return _word(self.case.finding, self.level)


def judge(claims: Iterable[Claim], evidence: Evidence) -> list[Verdict]:
    """The verdicts on claims. Each has one p-value, which is corrected for the claims of its family (Holm)."""
    cases = [case for claim in claims for case in cases_of(claim, evidence)]
    found: dict[int, Verdict] = {}
    for family in dict.fromkeys(case.claim.family for case in cases):
        places = [place for place, case in enumerate(cases) if case.claim.family == family]
        judged = _corrected([cases[place] for place in places])
        each = _each(judged, evidence)
        for number, place in enumerate(places):
            found[place] = _verdict(judged[number], each.get(number), len(places))
    return [found[place] for place in range(len(cases))]


def _corrected(cases: Sequence[Case]) -> list[_Judged]:
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
            alone = Case(claim, limited_all(claim, each_row(claim, evidence), evidence))
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
