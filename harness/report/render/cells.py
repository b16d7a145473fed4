"""Numbers as text in the cells of tables."""

from __future__ import annotations

from harness.report.render.numbers import rounded

NONE = "–"
UNLEARNED = "†"  # beside a row that has not learned


def signed(value: float | None, digits: int) -> str:
    """A number with its sign and so many decimals; a dash for None, NaN and infinity."""
    value = rounded(value)
    return NONE if value is None else f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")  # no −0


def number(value: float | None, digits: int) -> str:
    """A number with so many decimals; a dash for None, NaN and infinity."""
    value = rounded(value)
    return NONE if value is None else f"{value:.{digits}f}"


def measured(value: float | None, error: float | None, digits: int, status: str) -> str:
    """A measured number with its standard error; the status where it is not measured."""
    if value is None:
        return status
    return number(value, digits) + (f" ± {number(error, digits)}" if error is not None else "")
