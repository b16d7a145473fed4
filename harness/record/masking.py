"""What must not be shown of a text with addresses in it: users, passwords and tokens."""

from __future__ import annotations

import re

MASK = "***"
_USER = re.compile(r"(?<=://)[^\s'\"]*@")  # up to the last @, as a password may hold anything
_SECRET = re.compile(
    r"(?<=[?&;])([^=&;\s'\"]*(?:token|key|secret|pass|pwd|auth|sig|cred)[^=&;\s'\"]*)=[^&;\s'\"]*", re.I
)


def masked(text: str) -> str:
    """The text without the users, passwords and tokens of the addresses in it."""
    return _SECRET.sub(rf"\1={MASK}", _USER.sub(f"{MASK}@", text))
