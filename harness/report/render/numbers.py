"""Numbers rounded to what is the same on every processor."""

from __future__ import annotations

import math
from typing import Any

DIGITS = 12  # significant; further ones differ between kinds of processors


def rounded(value: Any) -> Any:
    """Plain data with its floats rounded to `DIGITS` significant digits, and NaN and infinity replaced by None."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    if not isinstance(value, float):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
