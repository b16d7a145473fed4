"""`harness compare`: show two runs side by side."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.console import make_console, say
from harness.cli.inputs import existing_record
from harness.cli.options import RESULTS, AsJson, Results, TrackingUri, within
from harness.cli.output import print_json
from harness.cli.streams import standard_output

if TYPE_CHECKING:
    from harness.report.tables.comparison import RunComparison


def compare(
    a: Annotated[
        str, typer.Argument(metavar="A", help="SUITE[@PROFILE][~N], or the id of a run as `list runs` shows.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; B is judged against A.")],
    slower: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            help="Exit 1 if a row of B is shown to be slower by more.",
            callback=within(0, 1000),
        ),
    ] = None,
    worse: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="Exit 1 if a row of B is shown to have that much more error.",
            callback=within(0, 1000),
        ),
    ] = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Compare two runs: errors, times, what differs in what was run, and what is shown to have changed."""
    compared = _compare(existing_record(tracking_uri, results), a, b)
    found, untested = compared.regressions(slower, worse), compared.untested(slower, worse)
    if as_json:
        with standard_output(alone=True) as out:
            print_json({**asdict(compared), "regressions": found, "untested": untested}, out)
    else:
        _print(compared)
    for line in untested:
        say(line)
    for line in found:
        make_console(stderr=True).print(line, style="red")
    if found:
        raise typer.Exit(1)


def _compare(tracking_uri: str, a: str, b: str) -> RunComparison:
    from harness.report.sides import read_sides
    from harness.report.tables.comparison import compare_runs

    return compare_runs(*read_sides(tracking_uri, a, b, say))


def _print(compared: RunComparison) -> None:
    from harness.report.render.comparison import print_comparison

    with standard_output():
        print_comparison(compared, make_console(stderr=False))
