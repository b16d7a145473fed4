"""All tables of a report as text, in their order."""

from __future__ import annotations

from harness.report.render.error_table import error_table
from harness.report.render.pair_table import pair_table
from harness.report.render.speed_table import speed_table
from harness.report.render.text_table import TextTable
from harness.report.render.time_table import cost_table, time_table
from harness.report.tables.rows import Tables


def all_tables(tables: Tables) -> list[TextTable]:
    """The tables that the suite has something for, those of errors and times first."""
    found = []
    if tables.errors:
        found.append(error_table(tables))
    if tables.times:
        found += [time_table(tables), cost_table(tables)]
    if tables.pairs:
        found.append(pair_table(tables))
    if tables.speed:
        found.append(speed_table(tables))
    return found
