"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.render.all_tables import all_tables
from harness.report.render.circumstances import conditions, environments_line, method_lines, overhead_line
from harness.report.render.escape import markdown
from harness.report.render.summary import claim_groups, headline
from harness.report.render.text_table import TextTable
from harness.report.render.verdicts import evidence_lines, verdict_line
from harness.report.tables.rows import Tables


def to_markdown(tables: Tables) -> str:
    """The report as Markdown: results first, details after them."""
    parts = [f"# {markdown(tables.suite)}", "", *_bullets(headline(tables)), ""]
    parts += [markdown(f"Run as: {conditions(tables)}."), ""]
    text_tables = all_tables(tables)
    for table in text_tables:
        if table.is_main:
            parts += [f"## {markdown(table.title)}", "", *_markdown_table(table), ""]
    for group in claim_groups(tables):
        parts += [f"## {markdown(f'Claims, {group.heading}')}", "", *_bullets(map(verdict_line, group.verdicts)), ""]
    for table in text_tables:
        if table.is_main:
            parts += [f"## Notes on {markdown(table.title)}", "", *_bullets(table.notes), ""]
        else:
            parts += [f"## {markdown(table.title)}", "", *_markdown_table(table), "", *_bullets(table.notes), ""]
    if tables.verdicts:
        parts += ["## What each verdict rests on", "", *_bullets(evidence_lines(tables)), ""]
    return "\n".join([*parts, *_circumstances(tables)])


def _circumstances(tables: Tables) -> list[str]:
    parts = ["## How each number was obtained", "", *_bullets(method_lines(tables)), ""]
    if tables.failures:
        parts += ["## Failed", "", *_bullets([f"{name}: {cause}" for name, cause in tables.failures.items()]), ""]
    if tables.environment:
        facts = [f"{name.removeprefix('machine.')} {value}" for name, value in tables.environment.items()]
        lines = [", ".join(facts), overhead_line(tables), environments_line(tables)]
        parts += ["## Environment", "", *_bullets([line for line in lines if line]), ""]
    if tables.origin is not None:
        parts += ["## Again", "", *_bullets([f"made by: {tables.origin.command}"]), ""]
    return parts


def _markdown_table(table: TextTable) -> list[str]:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(map(markdown, cells)) + " |"

    rule = "|:--" + "|--:" * (len(table.columns) - 1) + "|"
    return [line(table.columns), rule, *map(line, table.rows)]


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {markdown(line)}" for line in lines]
