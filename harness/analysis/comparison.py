"""The comparisons that a judgement of a claim consists of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Finding:
    """Whether what was measured agrees with the claim, and the p-value of that; None where it can decide nothing.

    Raises:
        ValueError: the p-value is not a number from 0 to 1.
    """

    holds: bool
    p: float | None

    def __post_init__(self) -> None:
        if self.p is not None and not 0 <= self.p <= 1:
            raise ValueError(f"a p-value must lie between 0 and 1, and this one is {self.p}")


class NamedRow(Protocol):
    """A row of a report, which its title and its task identify."""

    @property
    def title(self) -> str:
        """The variant and what sets its configuration apart."""

    @property
    def task(self) -> str:
        """The task's name."""


@dataclass(frozen=True)
class Comparison:
    """One comparison that a claim rests on.

    The report takes the p-value away if one of the rows can't decide the claim, for example because it has not learned.

    text: what was measured; where it has an interval, a function of the level, which is the probability that the
        interval leaves out the truth.
    finding: None while something is missing.
    rows: the rows compared; required where the finding has a p-value.
    test: what the p-value is from.
    error_difference: the difference of two errors in percentage points, where that is what was compared. A row whose
        error in training still falls by more than half of it can't decide the claim.
    flags: why some of the rounds of a timing are doubtful; empty where none is.
    unflagged: the finding without the flagged rounds; None where too few are left.

    Raises:
        ValueError: there is a p-value, but no rows.
    """

    text: str | Callable[[float], str]
    finding: Finding | None = None
    rows: Sequence[NamedRow] = ()
    test: str = ""
    error_difference: float | None = None
    flags: str = ""
    unflagged: Finding | None = None

    def __post_init__(self) -> None:
        if self.p is not None and not self.rows:
            raise ValueError("a comparison with a p-value must name its rows, some of which may not decide a claim")

    @property
    def p(self) -> float | None:
        """The p-value; None where the comparison can decide nothing."""
        return self.finding.p if self.finding is not None else None

    def text_at(self, level: float) -> str:
        """What was measured, with intervals at a level."""
        return self.text if isinstance(self.text, str) else self.text(level)
