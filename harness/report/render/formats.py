"""The report in each format: Markdown, LaTeX, CSV, JSON, HTML. All come from the same tables."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from harness.report.render.all_tables import all_tables
from harness.report.render.circumstances import conditions, environments_line, method_lines, overhead_line
from harness.report.render.escape import csv_cell, json_text, latex, markdown
from harness.report.render.html import to_html
from harness.report.render.numbers import rounded
from harness.report.render.summary import claim_groups, headline
from harness.report.render.text_table import TextTable
from harness.report.render.verdicts import evidence_lines, verdict_line
from harness.report.tables.rows import ErrorRow, PairRow, Tables, TimeRow


def to_markdown(tables: Tables) -> str:
    """A page for people: what was found first, what it rests on after it."""
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


def to_latex(tables: Tables) -> str:
    """Tables for a paper; they need the package booktabs."""
    return "\n".join(_latex_table(table, conditions(tables)) for table in all_tables(tables))


def _caption(title: str) -> str:
    """A title without the number that LaTeX gives a table itself."""
    return re.sub(r"^Table \d+\. ", "", title)


def _latex_table(table: TextTable, how: str) -> str:
    columns = "l" + "r" * (len(table.columns) - 1)
    body = [f"    {_latex_line(row)}" for row in table.rows]
    lines = [
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{latex(_caption(table.title))} ({latex(how)}).}}",
        f"  \\begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {_latex_line(table.columns)}",
        r"    \midrule",
        *body,
        r"    \bottomrule",
        r"  \end{tabular}",
        *[f"  \\\\{{\\footnotesize {latex(note)}}}" for note in table.notes],
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _latex_line(cells: list[str]) -> str:
    line = " & ".join(map(latex, cells)) + r" \\"
    return "{}" + line if line.startswith(("[", "*")) else line  # the end of the row above would take these for its own


def to_csv(tables: Tables) -> str:
    """One line per row of either table; the configuration as JSON in one column."""
    lines = [{"table": "errors", **_flat(row)} for row in tables.errors]
    lines += [{"table": "times", **_flat(row)} for row in tables.times]
    columns = dict.fromkeys(name for line in lines for name in line)
    written = io.StringIO()
    writer = csv.DictWriter(written, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue()


def _flat(row: ErrorRow | TimeRow) -> dict[str, Any]:
    return {
        name: csv_cell(json.dumps(value, sort_keys=True) if isinstance(value, dict) else value)
        for name, value in rounded(row_object(row)).items()
        if name != "reasons"
    }


def to_json(tables: Tables) -> str:
    """Everything, as `{"errors": [...], "times": [...]}` and how it was run."""
    document = {
        "suite": tables.suite,
        "profile": tables.profile,
        "fraction": tables.fraction,
        "budget_seconds": tables.budget,
        "precision": tables.precision,
        "errors": [row_object(row) for row in tables.errors],
        "times": [row_object(row) for row in tables.times],
        "claims": [dataclasses.asdict(verdict) for verdict in tables.verdicts],
        "families": tables.families,
        "pairs": [_pair_object(row) for row in tables.pairs],
        "speed": [dataclasses.asdict(row) for row in tables.speed],
        "drift": dataclasses.asdict(tables.drift) if tables.drift is not None else None,
        "slope": dataclasses.asdict(tables.slope),
        "overhead": tables.overhead,
        "failures": tables.failures,
        "environment": tables.environment,
        "environments": tables.environments,
        "methods": [dataclasses.asdict(method) for method in tables.methods],
        "runs": [dataclasses.asdict(line) for line in tables.runs],
    }
    return json_text(rounded(document))


def row_object(row: ErrorRow | TimeRow) -> dict[str, Any]:
    """A row as plain data."""
    plain: dict[str, Any] = {}
    for name, value in dataclasses.asdict(row).items():
        plain |= {name: value} | ({"reason": row.reason} if name == "comparable" else {})
    return {**plain, "title": row.title, "difference": row.difference}


def _pair_object(row: PairRow) -> dict[str, Any]:
    """Two rows compared as plain data; the interval and what could be shown are those of the level."""
    low, high = row.interval
    return {
        "title": row.title,
        "other": row.other,
        "task": row.task,
        "test": row.test,
        "difference": row.pair.estimate.value,
        "standard_error": row.pair.estimate.error,
        "freedom": row.pair.estimate.freedom,
        "low": low,
        "high": high,
        "p": row.pair.p,
        "level": row.level,
        "finding": row.finding,
        "is_of_methods": row.pair.is_of_methods,
        "seeds": row.pair.seeds,
        "could_show": row.detectable,
    }


FORMATS: dict[str, Callable[[Tables], str]] = {
    "md": to_markdown,
    "tex": to_latex,
    "csv": to_csv,
    "json": to_json,
    "html": to_html,
}
FILES = {"report.html": "html", "report.md": "md", "tables.tex": "tex", "tables.csv": "csv", "tables.json": "json"}
