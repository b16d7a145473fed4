"""The report for programs: CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import Any

from harness.report.render.escape import csv_cell, json_text
from harness.report.render.numbers import rounded
from harness.report.tables.rows import ErrorRow, PairRow, Tables, TimeRow


def to_csv(tables: Tables) -> str:
    """The tables of errors and of times as CSV, a line for each row; the configuration is a column of JSON."""
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
    """The whole report as JSON: `{"errors": [...], "times": [...], ...}`."""
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
    """A row of the table of errors or of times as plain data."""
    plain: dict[str, Any] = {}
    for name, value in dataclasses.asdict(row).items():
        plain |= {name: value} | ({"reason": row.reason} if name == "comparable" else {})
    return {**plain, "title": row.title, "difference": row.difference}


def _pair_object(row: PairRow) -> dict[str, Any]:
    """A comparison of two rows as plain data, with the interval and the detectable difference at its level."""
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
