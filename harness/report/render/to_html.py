"""The report as one HTML page that needs no other file: results first, details folded below."""

from __future__ import annotations

from pathlib import Path

from harness.report.figures.all_figures import ReportFigures, draw_all
from harness.report.render.all_tables import all_tables
from harness.report.render.circumstances import conditions, environments_line, overhead_line
from harness.report.render.escape import html_value, web_address
from harness.report.render.summary import claim_groups, headline
from harness.report.render.verdicts import verdict_line
from harness.report.tables.rows import Tables

TEMPLATE = Path(__file__).with_name("page.html")


def to_html(tables: Tables, figures: ReportFigures | None = None) -> str:
    """The report as an HTML page. All text of the suite, the record and plugins is escaped.

    Arguments:
        figures: those of the report; drawn here if None.
    """
    from jinja2 import Environment, StrictUndefined

    settings = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=html_value)
    settings.filters["web"] = web_address
    page = settings.from_string(TEMPLATE.read_text(encoding="utf-8"))
    figures = figures or draw_all(tables.rows_of, tables.errors)
    return page.render(
        tables=tables,
        how=conditions(tables),
        headline=headline(tables),
        groups=claim_groups(tables),
        line=verdict_line,
        text_tables=all_tables(tables),
        first=figures.first,
        figures=figures.others,
        left_out=figures.left_out,
        overhead=overhead_line(tables),
        different=environments_line(tables),
    )
