"""Build a suite's report from its record and write it to a folder."""

from __future__ import annotations

import os
from pathlib import Path

from harness.record.history import History
from harness.report.formats import FILES, FORMATS
from harness.report.published import Published
from harness.report.rows import Tables
from harness.report.tables import build_tables


def read_tables(record: History, profile: str | None) -> Tables:
    """The tables of a suite's newest invocation, from the record alone.

    Raises:
        UserError: nothing is recorded.
    """
    plan, published = record.latest_plan(profile)
    numbers = [Published.model_validate(each) for each in published]
    frame = record.frame(trial.key for trial in plan.trials)
    return build_tables(plan, numbers, frame, record.overhead(plan.profile), record)


def write_report(tables: Tables, folder: Path) -> list[Path]:
    """Write the report's files; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, kind in FILES.items():
        path = folder / name
        aside = path.with_name(f".{name}.{os.getpid()}")
        aside.write_text(FORMATS[kind](tables), encoding="utf-8")
        os.replace(aside, path)
        paths.append(path)
    return paths


def report_folder(results: Path, suite: str, profile: str | None) -> Path:
    """Where a suite's report goes."""
    return results / (f"{suite}-{profile}" if profile else suite)
