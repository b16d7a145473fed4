"""The summary at the top of a report: the best rows, and the verdicts on claims by family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.render.cells import number
from harness.report.tables.rows import ErrorRow, Tables, Verdict, Word

WORDS: tuple[Word, ...] = ("reproduced", "contradicted", "undecided")


@dataclass(frozen=True)
class ClaimGroup:
    """The verdicts on the claims of a family, which were corrected together."""

    name: str  # empty for the claims that name no family
    holds: str  # what the family is about
    verdicts: Sequence[Verdict]

    @property
    def counts(self) -> str:
        """The number of verdicts of each kind."""
        return counted(self.verdicts)

    @property
    def heading(self) -> str:
        """The name of the family, what it is about, and the number of verdicts of each kind."""
        about = ": ".join(filter(None, (self.name, self.holds)))
        return f"{about or 'claims'} ({self.counts})"


def claim_groups(tables: Tables) -> list[ClaimGroup]:
    """The verdicts by family, in the order of the suite."""
    names = dict.fromkeys(verdict.family for verdict in tables.verdicts)
    return [
        ClaimGroup(name, tables.families.get(name, ""), [each for each in tables.verdicts if each.family == name])
        for name in names
    ]


def counted(verdicts: Sequence[Verdict]) -> str:
    """The number of verdicts of each kind, such as "2 reproduced, 0 contradicted, 1 undecided"."""
    words = [verdict.word for verdict in verdicts]
    return ", ".join(f"{words.count(word)} {word}" for word in WORDS)


def headline(tables: Tables) -> list[str]:
    """Sentences on the claims, the row with the lowest error on each task, and the fastest and the slowest row."""
    lines = []
    if tables.verdicts:
        plural = "s" if len(tables.verdicts) > 1 else ""
        lines.append(f"Of {len(tables.verdicts)} claim{plural}: {counted(tables.verdicts)}.")
    for task in dict.fromkeys(row.task for row in tables.errors):
        lines += _lowest([row for row in tables.errors if row.task == task])
    timed = [(row.median, row) for row in tables.times if row.median is not None]
    if len(timed) > 1:
        (fastest, first), (slowest, last) = min(timed, key=lambda t: t[0]), max(timed, key=lambda t: t[0])
        lines.append(
            f"Fastest: {first.title}, {number(fastest, 4)} s an iteration; slowest: {last.title}, "
            f"{number(slowest, 4)} s."
        )
    return lines


def _lowest(rows: Sequence[ErrorRow]) -> list[str]:
    known = [(row.measured, row) for row in rows if row.measured is not None and not row.unlearned]
    if not known:
        return []
    error, row = min(known, key=lambda each: each[0])
    seeds = f"{row.n} seed{'s' if row.n > 1 else ''}"
    span = f"{number(row.low, 2)} to {number(row.high, 2)}"
    return [f"Lowest error on {row.test}: {row.title}, {number(error, 2)}% ({span}, {seeds})."]
