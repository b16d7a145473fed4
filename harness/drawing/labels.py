"""Short names for rows and tasks in figures, and names for the files of figures: one line, and no two alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.text import terminal_line

LONGEST_LABEL = 48  # characters
_NOT_XML = re.compile("[\ufffe\uffff]")


def labels(names: Iterable[str]) -> dict[str, str]:
    """A short label for each name, numbered where two would be alike."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        line = _NOT_XML.sub("", terminal_line(name))
        short = line if len(line) <= LONGEST_LABEL else f"{line[: LONGEST_LABEL - 1]}…"
        found[name] = _fresh(short or "?", set(found.values()), " ({})")
    return found


def file_stems(names: Sequence[str]) -> list[str]:
    """The names of the files of figures, without the ending, in the order of the figures' names."""
    found: list[str] = []
    for name in names:
        stem = re.sub(r"[^a-z0-9=.]+", "-", name.lower())[: 3 * LONGEST_LABEL].strip("-.")
        found.append(_fresh(stem or "figure", set(found), "-{}"))
    return found


def _fresh(name: str, taken: set[str], numbered: str) -> str:
    number, fresh = 1, name
    while fresh in taken:
        number += 1
        fresh = name + numbered.format(number)
    return fresh
