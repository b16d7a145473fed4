"""Match configurations against settings that are given to find them, by value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no value that a row can be found by; write a finite number")
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _finite(each)
    return value


Wanted = Annotated[dict[str, Any], AfterValidator(_finite)]  # settings that a row must have, by name


def same(a: Any, b: Any) -> bool:
    """Whether two values of a setting are the same: 1 is 1.0, and neither is true."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def has_settings(config: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a configuration has all the settings that are named, with the same values."""
    return all(name in config and same(config[name], value) for name, value in wanted.items())
