"""The report as one page that needs nothing else: verdicts, tables that can be sorted, figures, how it was run."""

from __future__ import annotations

from pathlib import Path

from harness.report.rows import Tables
from harness.report.sheets import all_sheets, conditions, environments, overhead, verdict_counts

TEMPLATE = Path(__file__).with_name("page.html")


def to_html(tables: Tables) -> str:
    """The page; all that comes from outside is escaped."""
    import matplotlib
    from jinja2 import Environment, StrictUndefined

    from harness.report.figures import draw_all

    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    # the same data give the same page: names inside the figures come from a fixed salt, text stays text
    with matplotlib.rc_context({"svg.hashsalt": "report", "svg.fonttype": "none", "font.size": 9}):
        return page.render(
            tables=tables,
            how=conditions(tables),
            claims=tables.verdicts,
            counts=verdict_counts(tables),
            sheets=all_sheets(tables),
            drawings=draw_all(tables.graphs) if tables.graphs is not None else [],
            overhead=overhead(tables),
            different=environments(tables) if tables.environments > 1 else "",
        )
