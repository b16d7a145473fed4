"""Consoles: text is printed literally, wrapped at the width of a terminal and not wrapped elsewhere."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from harness.text import plain

WIDE = 10_000  # columns where no terminal sets a limit; a table is as wide as its content


class PlainConsole(Console):
    """A console that interprets no markup and no emoji codes, and drops control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "highlight": False, "emoji": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """See `Console.render_str`: every text passes here, that of a table's cells too."""
        return super().render_str(plain(text), **options)


def make_console(*, stderr: bool) -> PlainConsole:
    """Make the console of standard error or of standard output. COLUMNS, NO_COLOR and TERM are honoured."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    columns = os.environ.get("COLUMNS", "")
    is_set = columns.isdecimal() and 0 < int(columns) <= WIDE
    width = int(columns) if is_set else None if is_terminal else WIDE
    return PlainConsole(stderr=stderr, soft_wrap=not is_terminal and not is_set, width=width)


def say(text: str) -> None:
    """Print a line on standard error, beside what a command shows."""
    make_console(stderr=True).print(text)
