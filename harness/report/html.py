"""The report as one page that needs nothing else: verdicts, tables that can be sorted, figures, how it was run."""

from __future__ import annotations

from pathlib import Path

from harness.report.escape import html_value, web_address
from harness.report.figures.gallery import Gallery, draw_all
from harness.report.rows import Tables
from harness.report.sheets import all_sheets, conditions, environments, family_lines, overhead, verdict_counts

TEMPLATE = Path(__file__).with_name("page.html")


def to_html(tables: Tables, gallery: Gallery | None = None) -> str:
    """The page; all that comes from outside is escaped.

    Arguments:
        gallery: the figures, where they are drawn already.
    """
    from jinja2 import Environment, StrictUndefined

    settings = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=html_value)
    settings.filters["web"] = web_address
    page = settings.from_string(TEMPLATE.read_text(encoding="utf-8"))
    gallery = gallery or draw_all(tables.graphs)
    return page.render(
        tables=tables,
        how=conditions(tables),
        claims=tables.verdicts,
        counts=verdict_counts(tables),
        families=family_lines(tables),
        sheets=all_sheets(tables),
        drawings=gallery.drawings,
        left_out=gallery.left_out,
        overhead=overhead(tables),
        different=environments(tables),
    )
