"""Make text from elsewhere, such as names and messages, safe to print; format durations."""

from __future__ import annotations

import re

# C0 without tab and newline, DEL and C1; bidirectional controls; surrogates
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HALVES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Return the text without control and bidirectional characters; lone surrogates become U+FFFD."""
    return _HALVES.sub("\ufffd", _UNSEEN.sub("", text))


def one_line(text: str) -> str:
    """Return the text in a single plain line."""
    return " ".join(plain(" ".join(text.splitlines())).split("\n"))


def terminal_line(text: str) -> str:
    """Return the text as one line for a terminal, with single spaces."""
    return " ".join(one_line(text).split())


def duration(seconds: float) -> str:
    """Format a duration: 45s, 3m 20s, 5h 02m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
