"""`harness report`: rebuild the tables, the figures and the report of a suite from the record alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli.console import make_console, say
from harness.cli.inputs import existing_record, load_plugins, read_suite
from harness.cli.options import RESULTS, Plugins, ProfileName, Results, SuitePath, TrackingUri
from harness.cli.streams import standard_output
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.report.tables.rows import Tables
    from harness.suite.load import ResolvedSuite

Format = Literal["html", "md", "tex", "csv", "json"]


def report(
    suite: SuitePath,
    profile: ProfileName = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    format: Annotated[Format | None, typer.Option(metavar="html|md|tex|csv|json", help="To standard output.")] = None,
) -> None:
    """Rebuild the tables of a suite's newest run from the record."""
    resolved = read_suite(suite, profile)
    _check_claims(resolved)
    name = resolved.suite.name
    tracking_uri = existing_record(tracking_uri, results)
    load_plugins(plugin)
    _load_those_of(resolved)
    tables = _read(tracking_uri, name, profile)
    if format is not None:
        _print(tables, format)
    else:
        _write(tables, results, name)


def _check_claims(suite: ResolvedSuite) -> None:
    from harness.plan.claims import check_known_claims

    check_known_claims(suite)


def _load_those_of(suite: ResolvedSuite) -> None:
    """Load the suite's plugins for their analyses; a report needs no variant, so one that is missing is left out."""
    for path in suite.plugin_paths():
        try:
            load_plugins([path])
        except UserError as error:
            say(f"the report does without a plugin: {error}")


def _read(tracking_uri: str, suite: str, profile: str | None) -> Tables:
    from harness.record.reader import RunReader
    from harness.report.build import read_tables

    return read_tables(RunReader(tracking_uri, suite, say), profile)


def _print(tables: Tables, format: Format) -> None:
    """Print the tables alone, in a format."""
    from harness.report.render.formats import FORMATS

    with standard_output(alone=True) as out:
        out.write(FORMATS[format](tables))


def _write(tables: Tables, results: Path, suite: str) -> None:
    """Write the report as files, and print its tables."""
    from harness.report.build import report_folder, write_report
    from harness.report.render.terminal import print_tables

    files = write_report(tables, report_folder(results, suite, tables.profile), say)
    with standard_output():
        print_tables(tables, make_console(stderr=False))
    say(f"\nreport: {files[0]}")
