"""A trial's key: a hash of what is measured, so that equal keys need to be measured once."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from harness.plugins.source import source_digest

SCHEMA = 3  # raised when a change of the engine changes what a trial measures


def trial_key(measured: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that depend on the content alone, not on the order of its keys."""
    text = json.dumps({"schema": SCHEMA, **measured}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


__all__ = ["SCHEMA", "source_digest", "trial_key"]  # models of older records import the digest from here
