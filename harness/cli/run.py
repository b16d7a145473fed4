"""`harness run`: run the trials of a suite that are not done, and show its tables."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli.console import make_console
from harness.cli.inputs import read_options, read_suite
from harness.cli.options import (
    RESULTS,
    Budget,
    DataDir,
    Fraction,
    Plugins,
    ProfileName,
    Results,
    SuitePath,
    TrackingUri,
)

if TYPE_CHECKING:
    from harness.suite.load import ResolvedSuite
    from harness.suite.options import Options


def run(
    suite: SuitePath,
    profile: ProfileName = None,
    budget: Budget = None,
    fraction: Fraction = None,
    only: Annotated[str | None, typer.Option(metavar="GLOB", help="Only trials with such a name.")] = None,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster; RAY_ADDRESS, else embedded, if not given.")
    ] = None,
    tracking_uri: TrackingUri = None,
    data_dir: DataDir = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    serial: Annotated[bool, typer.Option("--serial", help="One process, no Ray: for debugging.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a claim of the suite is contradicted.")] = False,
) -> None:
    """Run the trials of a suite that are not done, and write its tables. The same command resumes a stopped run."""
    resolved = read_suite(suite, profile, budget, fraction)
    options = read_options(resolved, tracking_uri, data_dir, results, plugin)
    _run(resolved, replace(options, only=only, cluster=address, serial=serial), strict)


def _run(resolved: ResolvedSuite, options: Options, strict: bool) -> None:
    """Run a suite and print its tables.

    Raises:
        typer.Exit: a trial failed, or a claim is contradicted where that is asked for.
    """
    from harness.report.render.terminal import print_tables
    from harness.run import run_suite

    console = make_console(stderr=True)
    _set_signals()
    outcome = run_suite(resolved, options, console)
    print_tables(outcome.tables, make_console(stderr=False))
    console.print(f"\nreport: {outcome.files[0]}   browse: python -m harness ui")
    if outcome.failed:
        console.print(f"{len(outcome.failed)} trials failed; see their error.txt in MLflow", style="red")
        raise typer.Exit(1)
    contradicted = [verdict.sentence for verdict in outcome.tables.verdicts if verdict.word == "contradicted"]
    if strict and contradicted:
        console.print(f"contradicted: {'; '.join(contradicted)}", style="red")
        raise typer.Exit(1)


def _set_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell lets its background jobs ignore the first
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that is closed stops nothing; workers inherit it


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
