"""A trial's key: a hash of what is measured, so that equal keys need to be measured once."""

from __future__ import annotations

import hashlib
import json
from typing import Any

SCHEMA = 3  # raised when a change of the engine changes what a trial measures
ENGINE = "06724c776a0d6f2c"  # digest of what trains and times; where it changes, SCHEMA may have to be raised


def trial_key(measured: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that depend on the content alone, not on the order of its keys."""
    text = json.dumps({"schema": SCHEMA, **measured}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
