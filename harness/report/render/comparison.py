"""The tables that show two runs side by side on the terminal."""

from __future__ import annotations

from rich.console import Console

from harness.report.render.cells import NONE, number, signed
from harness.report.render.pair_table import test_sentences
from harness.report.render.terminal import print_table
from harness.report.render.text_table import TextTable
from harness.report.tables.comparison import ComparedRow, RunComparison

DECIDED = {"better", "worse"}


def print_comparison(compared: RunComparison, console: Console) -> None:
    """Print both runs side by side, then what differs in what was run."""
    text_tables = [_errors(compared), _times(compared)]
    for table in text_tables:
        if table.rows:
            print_table(table, console)
    for heading, lines in (("only in one", compared.alone), ("differs", compared.facts)):
        for line in lines:
            console.print(f"  {heading}: {line}", highlight=False, markup=False, style="dim")
    if not any(table.rows for table in text_tables):
        console.print("the two have no measured row in common", highlight=False)


def _errors(compared: RunComparison) -> TextTable:
    pairs = [row.pair for row in compared.rows if row.pair is not None]
    rows = [
        [
            f"{row.title} · {row.task}",
            number(row.error, 2),
            number(row.other_error, 2),
            signed(row.difference[0], 2) if row.difference else NONE,
            f"{signed(row.difference[1], 2)} to {signed(row.difference[2], 2)}" if row.difference else NONE,
            number(row.could_show, 2),
            _found(row),
        ]
        for row in compared.rows
        if row.error is not None or row.other_error is not None
    ]
    notes = [
        f"A is {compared.name}, B is {compared.other}. Percent and percentage points, B less A. "
        f"{test_sentences(pairs)}; each interval and the difference that could have been shown stand at the level that "
        f"the finding had to pass (Holm, over the rows).",
        *_changes(compared),
    ]
    if any(row.is_of_models for row in compared.rows):
        notes.append(
            "These two models: one seed of a side tells nothing of its other seeds, so neither run is called better."
        )
    return TextTable("Test error", ["Row", "A", "B", "diff.", "interval", "could show", "B is"], rows, notes)


def _found(row: ComparedRow) -> str:
    return f"{row.quality} (these two models)" if row.is_of_models and row.quality in DECIDED else row.quality


def _times(compared: RunComparison) -> TextTable:
    rows = [
        [
            f"{row.title} · {row.task}",
            number(row.seconds, 4),
            number(row.other_seconds, 4),
            number(row.ratio[0], 2) if row.ratio else NONE,
            f"{number(row.ratio[1], 2)}–{number(row.ratio[2], 2)}" if row.ratio else NONE,
            row.speed,
        ]
        for row in compared.rows
        if row.seconds is not None or row.other_seconds is not None
    ]
    by_fixed = (
        "each over the time that a fixed model took in the same rounds"
        if compared.has_fixed
        else "as they were measured, since no fixed model was timed in both, so that a slower machine counts as slower"
    )
    notes = [
        f"Seconds, medians over processes. The ratio is B's time over A's, {by_fixed}; from three rounds on, by "
        f"Welch's test of the logarithms. Each interval stands at the level that the finding had to pass (Holm, over "
        f"the rows).",
    ]
    return TextTable("Seconds per training iteration", ["Row", "A", "B", "ratio", "interval", "B is"], rows, notes)


def _changes(compared: RunComparison) -> list[str]:
    return [f"{row.title} · {row.task} differs: {'; '.join(row.changes)}." for row in compared.rows if row.changes]
