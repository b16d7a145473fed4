"""What rows, tasks and files are called in figures: names of one line, not long, and no two alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from harness.report.escape import terminal_line
from harness.report.figures.graphs import ByRow, Graphs

LONGEST = 48  # signs
_NOT_XML = re.compile("[\ufffe\uffff]")
T = TypeVar("T")


def labels(names: Iterable[str]) -> dict[str, str]:
    """A label for each name."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        line = _NOT_XML.sub("", terminal_line(name))
        short = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
        found[name] = _fresh(short or "?", set(found.values()), " ({})")
    return found


def file_stems(names: Sequence[str]) -> list[str]:
    """A name for the files of each figure."""
    found: list[str] = []
    for name in names:
        stem = re.sub(r"[^a-z0-9=.]+", "-", name.lower())[: 3 * LONGEST].strip("-.")
        found.append(_fresh(stem or "figure", set(found), "-{}"))
    return found


def _fresh(name: str, taken: set[str], numbered: str) -> str:
    number, fresh = 1, name
    while fresh in taken:
        number += 1
        fresh = name + numbered.format(number)
    return fresh


def labelled(graphs: Graphs) -> Graphs:
    """The same data under labels."""
    by_task = (graphs.curves, graphs.confusions, graphs.mistakes, graphs.reconstructions, graphs.moved, graphs.kept)
    by_row = (graphs.samples, graphs.activities, graphs.couplings)
    tasks = labels([*(task for each in by_task for task in each), *(task for task, *_ in graphs.costs)])
    rows = labels(
        [
            *(title for each in by_task for found in each.values() for title in found),
            *(title for each in by_row for title in each),
            *(title for _, title, *_ in graphs.costs),
        ]
    )

    def renamed(found: dict[str, T]) -> dict[str, T]:
        return {rows[title]: each for title, each in found.items()}

    def both(found: ByRow[T]) -> ByRow[T]:
        return {tasks[task]: renamed(each) for task, each in found.items()}

    return Graphs(
        curves=both(graphs.curves),
        samples=renamed(graphs.samples),
        activities=renamed(graphs.activities),
        couplings=renamed(graphs.couplings),
        costs=[(tasks[task], rows[title], seconds, error) for task, title, seconds, error in graphs.costs],
        confusions=both(graphs.confusions),
        mistakes=both(graphs.mistakes),
        reconstructions=both(graphs.reconstructions),
        moved=both(graphs.moved),
        kept=both(graphs.kept),
    )
