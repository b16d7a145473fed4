"""A comparison on the terminal."""

from __future__ import annotations

from rich.console import Console

from harness.report.comparison import ComparedRow, Comparison
from harness.report.sheets import NONE, Sheet, number, signed
from harness.report.terminal import print_sheet


def print_comparison(compared: Comparison, console: Console) -> None:
    """Both runs side by side, then what differs in what was run."""
    sheets = [_errors(compared), _times(compared)]
    for sheet in sheets:
        if sheet.rows:
            print_sheet(sheet, console)
    for heading, lines in (("only in one", compared.alone), ("differs", compared.facts)):
        for line in lines:
            console.print(f"  {heading}: {line}", highlight=False, markup=False, style="dim")
    if not any(sheet.rows for sheet in sheets):
        console.print("the two have no measured row in common", highlight=False)


def _errors(compared: Comparison) -> Sheet:
    rows = [
        [
            f"{row.title} · {row.task}",
            number(row.error, 2),
            number(row.other_error, 2),
            signed(row.pair.difference, 2) if row.pair else NONE,
            f"{signed(row.pair.low, 2)} to {signed(row.pair.high, 2)}" if row.pair else NONE,
            row.quality,
        ]
        for row in compared.rows
        if row.error is not None or row.other_error is not None
    ]
    notes = [
        f"A is {compared.name}, B is {compared.other}. Percent and percentage points, B less A, with 95% intervals; "
        f"findings by paired tests, corrected for the number of rows (Holm).",
        *_changes(compared),
    ]
    return Sheet("Test error", ["Row", "A", "B", "diff.", "95%", "B is"], rows, notes)


def _times(compared: Comparison) -> Sheet:
    rows = [
        [
            f"{row.title} · {row.task}",
            number(row.seconds, 4),
            number(row.other_seconds, 4),
            number(row.ratio.mean, 2) if row.ratio else NONE,
            f"{number(row.ratio.low, 2)}–{number(row.ratio.high, 2)}" if row.ratio else NONE,
            row.speed,
        ]
        for row in compared.rows
        if row.seconds is not None or row.other_seconds is not None
    ]
    notes = [
        "Seconds, medians over processes. The ratio is B's time over A's, each as a multiple of the fixed model's time "
        "in the same block, with Welch's 95% interval; findings are corrected for the number of rows (Holm).",
    ]
    return Sheet("Seconds per training iteration", ["Row", "A", "B", "ratio", "95%", "B is"], rows, notes)


def _changes(compared: Comparison) -> list[str]:
    def told(row: ComparedRow) -> str:
        return f"{row.title} · {row.task} differs: {'; '.join(row.changes)}."

    return [told(row) for row in compared.rows if row.changes]
