"""The table of test errors."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.render.cells import NONE, UNLEARNED, measured, number, signed
from harness.report.render.notes import comparability_notes, standard_error_note
from harness.report.render.text_table import TextTable
from harness.report.tables.rows import ErrorRow, Tables


def error_table(tables: Tables) -> TextTable:
    tasks = list(dict.fromkeys(row.task for row in tables.errors))
    titles = list(dict.fromkeys(row.title for row in tables.errors))
    cells = {(row.title, row.task): row for row in tables.errors}
    columns = ["Method"]
    for task in tasks:
        test = next((row.test for row in tables.errors if row.task == task and row.images), task)
        columns += [f"{test} paper", "ours", "diff."]
    rows = []
    for title in titles:
        line = [title]
        for task in tasks:
            row = cells.get((title, task))
            line += _error_cells(row) if row is not None else [NONE] * 3
        rows.append(line)
    return TextTable(tables.error_title, columns, rows, _error_notes(tables), is_main=True)


def _error_cells(row: ErrorRow) -> list[str]:
    flag = "" if row.comparable else "*"
    ours = measured(row.measured, row.standard_error, 2, row.status)
    return [
        number(row.published, 2),
        ours + (UNLEARNED if row.unlearned else ""),
        signed(row.difference, 2) + (flag if row.difference is not None else ""),
    ]


def _error_notes(tables: Tables) -> list[str]:
    notes = [standard_error_note(tables.errors), *comparability_notes(tables.errors), *_unlearned(tables.errors)]
    others = [f"{row.title} {number(value, 2)}" for row in tables.errors for value in row.other_tests.values()]
    names = sorted({name for row in tables.errors for name in row.other_tests})
    if others:
        notes.append(f"Errors of the same models on {', '.join(names)}: {', '.join(others)}.")
    iterations = sorted({(row.task, row.iterations, row.images) for row in tables.errors if row.images})
    notes += [f"{task}: {count:,} iterations, tested on {images:,} images." for task, count, images in iterations]
    return notes


def _unlearned(rows: Sequence[ErrorRow]) -> list[str]:
    """Notes on the rows that are no better than a constant answer."""
    return [
        f"{UNLEARNED} not learned: {row.title} on {row.task}, of whose {row.n} model{'s' if row.n > 1 else ''} "
        f"{row.unlearned} can't be told from the best constant answer, which has an error of "
        f"{number(row.chance, 2)}%; no claim can rest on it."
        for row in rows
        if row.unlearned
    ]
