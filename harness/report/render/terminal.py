"""The report in a terminal, or in a pipe: at 80 columns and without colour too."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from harness.report.render.sheets import Sheet, all_sheets, conditions, environments, overhead, verdict_line
from harness.report.render.summary import claim_groups, headline
from harness.report.tables.rows import Tables
from harness.text import terminal_line

NAME = 22  # characters; where a longer name would get fewer, it has a line of its own


def print_tables(tables: Tables, console: Console) -> None:
    """Both tables with their notes."""
    console.print()
    _print(conditions(tables), console, style="bold")
    for sheet in all_sheets(tables):
        print_sheet(sheet, console)
    for group in claim_groups(tables):
        console.print()
        _print(group.heading, console, style="bold")
        for verdict in group.verdicts:
            _print(verdict_line(verdict), console, "  ")
    console.print()
    for line in headline(tables):
        _print(line, console)
    if overhead(tables):
        console.print()
        _print(overhead(tables), console, style="dim")
    if environments(tables):
        _print(environments(tables), console, style="yellow")
    for name, cause in tables.failures.items():
        _print(f"failed: {name}: {cause}", console, style="red")


def print_sheet(sheet: Sheet, console: Console) -> None:
    """A table with its notes. A number is never cut, nor is a name in the middle of a word."""
    sheet = _plain(sheet)
    console.print(f"\n{sheet.title}", highlight=False, markup=False, style="bold")
    names = max([cell_len(row[0]) for row in sheet.rows], default=0)
    left = console.width - sum(width + 2 for width in _widths(sheet)) - 3
    if left < min(names, NAME):
        for line in _stacked(sheet, console.width):
            console.print(line, highlight=False, markup=False)
    else:
        console.print(_side_by_side(sheet), highlight=False, markup=False)
    for note in sheet.notes:
        _print(note, console, "  ", "dim")


def _plain(sheet: Sheet) -> Sheet:
    """A sheet whose title and cells are lines that steer no terminal."""
    rows = [[terminal_line(cell) for cell in row] for row in sheet.rows]
    columns = [terminal_line(column) for column in sheet.columns]
    return replace(sheet, title=terminal_line(sheet.title), columns=columns, rows=rows)


def _print(text: str, console: Console, indent: str = "", style: str = "") -> None:
    """A paragraph, in lines; a pipe gets it whole."""
    text = terminal_line(text)
    lines = [indent + text]
    if not console.soft_wrap:
        lines = wrap(text, max(console.width, 20), initial_indent=indent, subsequent_indent=indent and indent * 2)
    for line in lines:
        console.print(line, highlight=False, markup=False, style=style)


def _side_by_side(sheet: Sheet) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    table.add_column(sheet.columns[0], overflow="fold")
    for column in sheet.columns[1:]:
        table.add_column("\n".join(_words(column)), justify="right", no_wrap=True)
    for row in sheet.rows:
        table.add_row(*row)
    return table


def _stacked(sheet: Sheet, width: int) -> list[str]:
    """The lines of a table whose names stand above their numbers, which take several lines where they must."""
    widths = _widths(sheet)
    groups = _groups(widths, width - 2)
    heads = [_words(column) for column in sheet.columns[1:]]
    lines = [""]
    for group in groups:
        deep = max(len(heads[n]) for n in group)
        stacked = {n: [""] * (deep - len(heads[n])) + heads[n] for n in group}
        lines += [_line([(stacked[n][level], widths[n]) for n in group]) for level in range(deep)]
    lines.append(" " + "─" * (max(map(len, lines)) - 1))
    for name, *cells in sheet.rows:
        lines += [f" {name}", *(_line([(cells[n], widths[n]) for n in group]) for group in groups)]
    return [*lines, ""]


def _groups(widths: list[int], width: int) -> list[list[int]]:
    """The numbers of the columns that have room in a line, line by line."""
    groups: list[list[int]] = [[]]
    for number in range(len(widths)):
        taken = sum(widths[n] + 1 for n in groups[-1])
        if groups[-1] and taken + widths[number] > width:
            groups.append([])
        groups[-1].append(number)
    return groups


def _line(cells: list[tuple[str, int]]) -> str:
    return "  " + " ".join(" " * (width - cell_len(cell)) + cell for cell, width in cells)


def _widths(sheet: Sheet) -> list[int]:
    """Of each column but the first."""
    columns = list(zip(*(row[1:] for row in sheet.rows), strict=True)) or [()] * (len(sheet.columns) - 1)
    return [max(map(cell_len, [*_words(head), *cells])) for head, cells in zip(sheet.columns[1:], columns, strict=True)]


def _words(head: str) -> list[str]:
    """A head in lines of a word each."""
    return head.replace("-", "- ").split()
