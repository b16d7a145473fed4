"""Text that others wrote, such as names, messages and numbers' remarks, made fit to be shown."""

from __future__ import annotations

import re

# C0 without tab and newline, DEL and C1; marks that turn the direction of the text around them; halves of characters
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HALVES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """The text without what would steer a terminal or turn its direction; half a character becomes U+FFFD."""
    return _HALVES.sub("\ufffd", _UNSEEN.sub("", text))


def one_line(text: str) -> str:
    """The text in a single plain line."""
    return " ".join(plain(" ".join(text.splitlines())).split("\n"))


def terminal_line(text: str) -> str:
    """The text as a line of a terminal, with single spaces."""
    return " ".join(one_line(text).split())


def duration(seconds: float) -> str:
    """A duration for people: 45s, 3m 20s, 5h 02m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
