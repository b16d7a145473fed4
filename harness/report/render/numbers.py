"""The numbers of tables that programs read."""

from __future__ import annotations

import math
from typing import Any

DIGITS = 12  # significant ones: what follows differs from one kind of processor to another


def rounded(value: Any) -> Any:
    """Plain data whose numbers are written as in a table of numbers: to `DIGITS` digits, NaN and infinity as None."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    if not isinstance(value, float):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
