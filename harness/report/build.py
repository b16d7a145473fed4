"""Build a suite's report from its record and write it to a folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from harness.errors import UserError
from harness.files import write_whole
from harness.record.reader import RunReader
from harness.report.figures.all_figures import draw_all
from harness.report.folder import replace_files
from harness.report.render.formats import FILES, FORMATS
from harness.report.render.to_html import to_html
from harness.report.tables.assemble import build_tables
from harness.report.tables.rows import Origin, Tables

FIGURES = "figures"


def read_tables(record: RunReader, profile: str | None, invocation: str | None = None) -> Tables:
    """Build the tables of an invocation of a suite from the record alone.

    Arguments:
        profile: whose newest invocation is read, unless one is named.

    Raises:
        UserError: nothing is recorded, or what is can't be read.
    """
    found = record.invocation(invocation or record.latest_invocation(profile))
    keys = {trial.key for trial in found.plan.trials}
    trials = {key: trial for key, trial in record.trials().items() if key in keys}
    pages = {trial.run_id: record.page(trial.run_id) for trial in trials.values()}
    origin = Origin(found.command, found.suite_file, dict(found.code), record.page(found.run_id), pages)
    return build_tables(found.plan, found.published, trials, found.overhead, origin)


def write_report(tables: Tables, folder: Path, say: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Write the report's files and, beside them, every figure; return all paths, that of the HTML page first.

    Arguments:
        say: is called with a line for each figure that is left out.

    Raises:
        UserError: they can't be written.
    """
    figures = draw_all(tables.rows_of, tables.errors)
    files = figures.files()
    texts = {
        name: to_html(tables, figures) if kind == "html" else FORMATS[kind](tables) for name, kind in FILES.items()
    }
    for line in figures.left_out:
        say(f"a figure is left out: {line}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text)
        return [*(folder / name for name in texts), *replace_files(folder / FIGURES, files)]
    except OSError as error:
        raise UserError(
            f"the report cannot be written to {folder} ({error.strerror or error}); what is recorded is complete: fix "
            f"the cause, and `python -m harness report` writes the report."
        ) from error


def report_folder(results: Path, suite: str, profile: str | None) -> Path:
    """The folder of a suite's report. No name contains an '@', so that no two suites share a folder.

    Raises:
        UserError: the record, which may come from anywhere, has a name of a suite or profile that is not valid.
    """
    name = f"{suite}@{profile}" if profile else suite
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(@[A-Za-z0-9._-]+)?", name):
        raise UserError(f"the record tells of suite and profile {name!r}, which are no names; it was made elsewhere.")
    return results / "reports" / name
