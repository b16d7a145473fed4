"""Mask users, passwords and tokens in the URLs of a text."""

from __future__ import annotations

import re

MASK = "***"
_USER = re.compile(r"(?<=://)[^\s'\"]*@")  # up to the last @, as a password may hold anything
_SECRET = re.compile(
    r"(?<=[?&;])([^=&;\s'\"]*(?:token|key|secret|pass|pwd|auth|sig|cred)[^=&;\s'\"]*)=[^&;\s'\"]*", re.I
)


def masked(text: str) -> str:
    """Return a text with the users, passwords and tokens in its URLs masked."""
    return _SECRET.sub(rf"\1={MASK}", _USER.sub(f"{MASK}@", text))
