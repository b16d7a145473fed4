"""Print lines as a table, and anything as JSON."""

from __future__ import annotations

import json
from typing import Any, TextIO

from rich import box
from rich.table import Table

from harness.cli.console import make_console
from harness.report.render.escape import json_text
from harness.report.render.numbers import rounded

Lines = list[dict[str, Any]]


def print_lines(lines: Lines, as_json: bool, out: TextIO) -> None:
    """Print lines as JSON on `out`, or as a table for people."""
    if as_json:
        print_json(lines, out)
    else:
        print_table(lines)


def print_json(content: Any, out: TextIO) -> None:
    """Print any content as JSON: other types as text, numbers that are not finite as null."""
    out.write(json_text(rounded(json.loads(json.dumps(content, default=str)))))


def print_table(lines: Lines) -> None:
    """Print lines as a table on standard output."""
    console = make_console(stderr=False)
    if not lines:
        console.print("none")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for column in lines[0]:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*[_cell(value) for value in line.values()])
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
