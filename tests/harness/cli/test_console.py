"""Consoles: foreign text as it is, and widths."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from harness.cli.console import PlainConsole, make_console

FOREIGN = "[red]a[/red] [/x] :warning: \x1b[5m"
SHOWN = "[red]a[/red] [/x] :warning: [5m"


def test_text_is_shown_as_it_is_wherever_it_stands() -> None:
    console = PlainConsole(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    table = Table(FOREIGN, title=FOREIGN, caption=FOREIGN)
    table.add_row(FOREIGN)
    console.print(FOREIGN)
    console.print(table)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert said.count(SHOWN) == 5
    assert FOREIGN not in said


@pytest.mark.parametrize(("columns", "widest"), [("", 300), ("40", 40), ("0", 300), ("many", 300)])
def test_a_pipe_cuts_nothing_unless_columns_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str, widest: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    table = Table(box=None, show_header=False, padding=0)
    table.add_column(no_wrap=True)
    table.add_row("x" * 300)
    make_console(stderr=False).print(table)
    make_console(stderr=False).print("word " * 60)
    assert max(map(len, capsys.readouterr().out.splitlines())) == widest
