"""The table that compares the errors of rows two by two."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.render.cells import UNLEARNED, number, signed
from harness.report.render.text_table import TextTable
from harness.report.tables.pairs import METHODS, MODELS, Pair
from harness.report.tables.rows import PairRow, Tables
from harness.statistics.several import p_number


def pair_table(tables: Tables) -> TextTable:
    columns = ["Method", "task", "diff.", "interval", "p", "finding", "could show"]
    unlearned = {(row.title, row.task) for row in tables.errors if row.unlearned}
    rows = [
        [
            row.title + (UNLEARNED if unlearned & {(row.title, row.task), (row.other, row.task)} else ""),
            row.task,
            signed(row.pair.estimate.value, 2),
            f"{signed(row.interval[0], 2)} to {signed(row.interval[1], 2)}",
            p_number(row.pair.p),
            _found(row),
            number(row.detectable, 2),
        ]
        for row in tables.pairs
    ]
    notes = [
        f"Differences in percentage points to {', '.join(dict.fromkeys(row.other for row in tables.pairs))}. "
        f"{test_sentences([row.pair for row in tables.pairs])}.",
        f"A finding has to pass a level that takes the number of rows of a task into account (Holm), here "
        f"{_levels(tables.pairs)}. Each interval stands at the level of its finding, as does the difference that so "
        f"many seeds and images could show four times in five.",
    ]
    if unlearned:
        notes.append(f"{UNLEARNED} one of the two has not learned.")
    base = [(row.variant, row.config) for row in tables.times if row.title == tables.baseline]
    if base and not any((row.variant, row.config) in base for row in tables.errors):
        notes.append(
            f"No row of errors is {tables.baseline}, with which times are compared; the first takes its place."
        )
    return TextTable("Test errors, row by row", columns, rows, notes)


def _found(row: PairRow) -> str:
    if row.finding == "no difference shown":
        return "none shown"
    return row.finding if row.pair.is_of_methods else f"{row.finding}, these two"


def _levels(pairs: Sequence[PairRow]) -> str:
    found = sorted({row.level for row in pairs})
    return f"{found[0]:.2g}" if len(found) == 1 else f"{found[0]:.2g} to {found[-1]:.2g}"


def test_sentences(pairs: Sequence[Pair]) -> str:
    """Sentences on the tests of pairs of rows, and on the question that each test answers."""
    tests = {pair.test for pair in pairs}
    sentences = []
    if METHODS in tests:
        few = min(seeds for pair in pairs if pair.test == METHODS for seeds in pair.seeds)
        sentences.append(
            f"With two seeds a side or more ({few} here at least) by a t test over seeds and images, which answers for "
            f"other seeds and other images: for the methods"
        )
    if MODELS in tests:
        sentences.append(
            "With one seed of a side by McNemar's exact test of two models on these images, which says nothing of "
            "models of other seeds, and so nothing of the methods"
        )
    return ". ".join(sentences)
