"""The report in a terminal, or in a pipe: at 80 columns and without colour too."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from harness.report.render.all_tables import all_tables
from harness.report.render.circumstances import conditions, environments_line, overhead_line
from harness.report.render.summary import claim_groups, headline
from harness.report.render.text_table import TextTable
from harness.report.render.verdicts import verdict_line
from harness.report.tables.rows import Tables
from harness.text import terminal_line

NAME = 22  # characters; where a longer name would get fewer, it has a line of its own


def print_tables(tables: Tables, console: Console) -> None:
    """Both tables with their notes."""
    console.print()
    _print(conditions(tables), console, style="bold")
    for table in all_tables(tables):
        print_table(table, console)
    for group in claim_groups(tables):
        console.print()
        _print(group.heading, console, style="bold")
        for verdict in group.verdicts:
            _print(verdict_line(verdict), console, "  ")
    console.print()
    for line in headline(tables):
        _print(line, console)
    if overhead_line(tables):
        console.print()
        _print(overhead_line(tables), console, style="dim")
    if environments_line(tables):
        _print(environments_line(tables), console, style="yellow")
    for name, cause in tables.failures.items():
        _print(f"failed: {name}: {cause}", console, style="red")


def print_table(table: TextTable, console: Console) -> None:
    """A table with its notes. A number is never cut, nor is a name in the middle of a word."""
    table = _plain(table)
    console.print(f"\n{table.title}", highlight=False, markup=False, style="bold")
    names = max([cell_len(row[0]) for row in table.rows], default=0)
    left = console.width - sum(width + 2 for width in _widths(table)) - 3
    if left < min(names, NAME):
        for line in _stacked(table, console.width):
            console.print(line, highlight=False, markup=False)
    else:
        console.print(_side_by_side(table), highlight=False, markup=False)
    for note in table.notes:
        _print(note, console, "  ", "dim")


def _plain(table: TextTable) -> TextTable:
    """A table whose title and cells are lines that steer no terminal."""
    rows = [[terminal_line(cell) for cell in row] for row in table.rows]
    columns = [terminal_line(column) for column in table.columns]
    return replace(table, title=terminal_line(table.title), columns=columns, rows=rows)


def _print(text: str, console: Console, indent: str = "", style: str = "") -> None:
    """A paragraph, in lines; a pipe gets it whole."""
    text = terminal_line(text)
    lines = [indent + text]
    if not console.soft_wrap:
        lines = wrap(text, max(console.width, 20), initial_indent=indent, subsequent_indent=indent and indent * 2)
    for line in lines:
        console.print(line, highlight=False, markup=False, style=style)


def _side_by_side(table: TextTable) -> Table:
    grid = Table(box=box.SIMPLE_HEAD)
    grid.padding = (0, 1, 0, 0)
    grid.add_column(table.columns[0], overflow="fold")
    for column in table.columns[1:]:
        grid.add_column("\n".join(_words(column)), justify="right", no_wrap=True)
    for row in table.rows:
        grid.add_row(*row)
    return grid


def _stacked(table: TextTable, width: int) -> list[str]:
    """The lines of a table whose names stand above their numbers, which take several lines where they must."""
    widths = _widths(table)
    groups = _groups(widths, width - 2)
    heads = [_words(column) for column in table.columns[1:]]
    lines = [""]
    for group in groups:
        deep = max(len(heads[n]) for n in group)
        stacked = {n: [""] * (deep - len(heads[n])) + heads[n] for n in group}
        lines += [_line([(stacked[n][level], widths[n]) for n in group]) for level in range(deep)]
    lines.append(" " + "─" * (max(map(len, lines)) - 1))
    for name, *cells in table.rows:
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


def _widths(table: TextTable) -> list[int]:
    """Of each column but the first."""
    columns = list(zip(*(row[1:] for row in table.rows), strict=True)) or [()] * (len(table.columns) - 1)
    return [max(map(cell_len, [*_words(head), *cells])) for head, cells in zip(table.columns[1:], columns, strict=True)]


def _words(head: str) -> list[str]:
    """A head in lines of a word each."""
    return head.replace("-", "- ").split()
