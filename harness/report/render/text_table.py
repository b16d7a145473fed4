"""A table as text in cells, the same for the terminal, Markdown, LaTeX and HTML."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table as text. The first column names the rows.

    is_main: whether the report begins with it.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str]
    is_main: bool = False
