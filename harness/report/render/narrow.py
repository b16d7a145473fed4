"""The layout of a table in a narrow terminal: the name of a row above its cells, which may take several lines.

A `rich.Table` keeps all cells of a row side by side. At 80 columns it breaks "0.70 ± 0.26" before the error, at 40 it
breaks every number into pieces of three characters, or cuts it. Here no number is broken or cut.
"""

from __future__ import annotations

from rich.cells import cell_len

from harness.report.render.text_table import TextTable


def narrow_lines(table: TextTable, width: int) -> list[str]:
    """The lines of a table whose rows have their name above their cells; the cells take several lines if need be."""
    widths = column_widths(table)
    groups = _groups(widths, width - 2)
    heads = [head_words(column) for column in table.columns[1:]]
    lines = [""]
    for group in groups:
        depth = max(len(heads[n]) for n in group)
        stacked = {n: [""] * (depth - len(heads[n])) + heads[n] for n in group}
        lines += [_line([(stacked[n][level], widths[n]) for n in group]) for level in range(depth)]
    lines.append(" " + "─" * (max(map(len, lines)) - 1))
    for name, *cells in table.rows:
        lines += [f" {name}", *(_line([(cells[n], widths[n]) for n in group]) for group in groups)]
    return [*lines, ""]


def _groups(widths: list[int], width: int) -> list[list[int]]:
    """The numbers of the columns that fit in each line."""
    groups: list[list[int]] = [[]]
    for number in range(len(widths)):
        taken = sum(widths[n] + 1 for n in groups[-1])
        if groups[-1] and taken + widths[number] > width:
            groups.append([])
        groups[-1].append(number)
    return groups


def _line(cells: list[tuple[str, int]]) -> str:
    return "  " + " ".join(" " * (width - cell_len(cell)) + cell for cell, width in cells)


def column_widths(table: TextTable) -> list[int]:
    """The widths of all columns but the first, in characters."""
    columns = list(zip(*(row[1:] for row in table.rows), strict=True)) or [()] * (len(table.columns) - 1)
    return [
        max(map(cell_len, [*head_words(head), *cells])) for head, cells in zip(table.columns[1:], columns, strict=True)
    ]


def head_words(head: str) -> list[str]:
    """The words of a column's head, each of which gets a line."""
    return head.replace("-", "- ").split()
