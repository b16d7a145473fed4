"""Build a suite's report from its record and write it to a folder."""

from __future__ import annotations

import os
from pathlib import Path

from harness.record.history import History
from harness.report.figures.drawing import Drawing
from harness.report.figures.gallery import draw_all
from harness.report.formats import FILES, FORMATS
from harness.report.html import to_html
from harness.report.published import Published
from harness.report.rows import Origin, Tables
from harness.report.tables import build_tables

FIGURES = "figures"


def read_tables(record: History, profile: str | None) -> Tables:
    """The tables of a suite's newest invocation, from the record alone.

    Raises:
        UserError: nothing is recorded.
    """
    invocation = record.latest_invocation(profile)
    plan, published = record.planned(invocation)
    numbers = [Published.model_validate(each) for each in published]
    frame = record.frame(trial.key for trial in plan.trials)
    command, suite, code = record.origin(invocation)
    pages = {run: record.page(run) for run in frame["run_id"]} if len(frame) else {}
    origin = Origin(command, suite, code, record.page(invocation), pages)
    return build_tables(plan, numbers, frame, record.overhead(plan.profile), record, origin)


def write_report(tables: Tables, folder: Path) -> list[Path]:
    """Write the report's files and, beside them, every figure; the paths of the files."""
    (folder / FIGURES).mkdir(parents=True, exist_ok=True)
    drawings = draw_all(tables.graphs) if tables.graphs is not None else []
    paths = []
    for name, kind in FILES.items():
        path = folder / name
        aside = path.with_name(f".{name}.{os.getpid()}")
        text = to_html(tables, drawings) if kind == "html" else FORMATS[kind](tables)
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
        paths.append(path)
    _write_figures(drawings, folder / FIGURES)
    return paths


def _write_figures(drawings: list[Drawing], folder: Path) -> None:
    """The figures as files, and none that an earlier report has left."""
    written = {path for drawing in drawings for path in drawing.write(folder)}
    for path in set(folder.iterdir()) - written:
        path.unlink()


def report_folder(results: Path, suite: str, profile: str | None) -> Path:
    """Where a suite's report goes."""
    return results / (f"{suite}-{profile}" if profile else suite)
