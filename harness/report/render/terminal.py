"""The report for a terminal of any width, or for a pipe."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from harness.report.render.all_tables import all_tables
from harness.report.render.circumstances import conditions, environments_line, overhead_line
from harness.report.render.narrow import column_widths, head_words, narrow_lines
from harness.report.render.summary import claim_groups, headline
from harness.report.render.text_table import TextTable
from harness.report.render.verdicts import verdict_line
from harness.report.tables.rows import Tables
from harness.text import terminal_line

NAME_WIDTH = 22  # characters, at least, of the column of names beside other columns


def print_tables(tables: Tables, console: Console) -> None:
    """Print all tables with their notes, the verdicts, and a summary last."""
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
    """Print a table with its notes. No number is cut, nor a name in the middle of a word."""
    table = _plain(table)
    console.print(f"\n{table.title}", highlight=False, markup=False, style="bold")
    names = max([cell_len(row[0]) for row in table.rows], default=0)
    left = console.width - sum(width + 2 for width in column_widths(table)) - 3
    if left < min(names, NAME_WIDTH):
        for line in narrow_lines(table, console.width):
            console.print(line, highlight=False, markup=False)
    else:
        console.print(_side_by_side(table), highlight=False, markup=False)
    for note in table.notes:
        _print(note, console, "  ", "dim")


def _plain(table: TextTable) -> TextTable:
    """The table without line breaks and control characters in its title and cells."""
    rows = [[terminal_line(cell) for cell in row] for row in table.rows]
    columns = [terminal_line(column) for column in table.columns]
    return replace(table, title=terminal_line(table.title), columns=columns, rows=rows)


def _print(text: str, console: Console, indent: str = "", style: str = "") -> None:
    """Print a paragraph, wrapped for a terminal, in one line for a pipe."""
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
        grid.add_column("\n".join(head_words(column)), justify="right", no_wrap=True)
    for row in table.rows:
        grid.add_row(*row)
    return grid
