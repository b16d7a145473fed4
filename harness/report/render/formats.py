"""The formats of a report, and the files that it is written to. All are made from the same tables."""

from __future__ import annotations

from collections.abc import Callable

from harness.report.render.to_data import to_csv, to_json
from harness.report.render.to_html import to_html
from harness.report.render.to_latex import to_latex
from harness.report.render.to_markdown import to_markdown
from harness.report.tables.rows import Tables

FORMATS: dict[str, Callable[[Tables], str]] = {
    "md": to_markdown,
    "tex": to_latex,
    "csv": to_csv,
    "json": to_json,
    "html": to_html,
}
FILES = {"report.html": "html", "report.md": "md", "tables.tex": "tex", "tables.csv": "csv", "tables.json": "json"}
