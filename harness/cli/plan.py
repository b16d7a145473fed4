"""`harness plan`: show what a run would do, before anything runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table

from harness.cli.console import make_console
from harness.cli.inputs import read_options, read_suite
from harness.cli.options import (
    RESULTS,
    AsJson,
    Budget,
    DataDir,
    Fraction,
    Plugins,
    ProfileName,
    Results,
    SuitePath,
    TrackingUri,
)
from harness.cli.output import print_json
from harness.cli.streams import standard_output

if TYPE_CHECKING:
    from harness.suite.load import ResolvedSuite
    from harness.suite.options import Options


def plan(
    suite: SuitePath,
    profile: ProfileName = None,
    budget: Budget = None,
    fraction: Fraction = None,
    tracking_uri: TrackingUri = None,
    data_dir: DataDir = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Show what `run` would do: trials done and new, before anything runs."""
    with standard_output(alone=as_json) as out:
        resolved = read_suite(suite, profile, budget, fraction)
        shown = _preview(resolved, read_options(resolved, tracking_uri, data_dir, results, plugin))
        if as_json:
            print_json(shown, out)
        else:
            _print(shown, make_console(stderr=False))


def _preview(resolved: ResolvedSuite, options: Options) -> dict[str, Any]:
    from harness.preview import preview

    return preview(resolved, options)


def _print(shown: dict[str, Any], console: Console) -> None:
    """Print the preview as text: a line for each trial, with its timing rounds in one, then notes on all of them."""
    console.print(_table(shown["trials"]))
    _print_changes(shown["trials"], console)
    for name, left_out in shown["unwatched"].items():
        console.print(f"not in the keys, so that a change of it goes unnoticed: {', '.join(left_out)} (used by {name})")
    console.print(_counts(shown["trials"]))
    if shown["no_longer_planned"]:
        console.print(f"{shown['no_longer_planned']} recorded ones are not in this plan; they stay in the record")
    if shown["fraction"] is None:
        console.print("the iterations are calibrated when the suite runs, to fit the budget; they decide the keys")
    elif shown["fraction"] < 1:
        console.print(f"{shown['fraction']:.3%} of each training protocol")


def _table(trials: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("trial", "status", "params", "state", "iterations"):
        justify: JustifyMethod = "left" if column in {"trial", "status"} else "right"
        table.add_column(column, justify=justify, no_wrap=column != "trial", overflow="fold")
    for name, lines in _gathered(trials).items():
        first = lines[0]
        table.add_row(
            name,
            _counts(lines) if len(lines) > 1 else first["status"],
            f"{first['parameters'] / 1e6:.1f}M" if first["parameters"] else "",
            f"{first['state_mib']} MiB" if first["state_mib"] else "",
            _iterations(first),
        )
    return table


def _counts(lines: list[dict[str, Any]]) -> str:
    """Count the trials of each status."""
    return ", ".join(f"{n} {status}" for status, n in Counter(line["status"] for line in lines).items())


def _print_changes(lines: list[dict[str, Any]], console: Console) -> None:
    """Print what has changed where a trial is new although a similar one is recorded."""
    causes: dict[str, list[str]] = {}
    for line in lines:
        if line["changed"]:
            causes.setdefault(line["changed"], []).append(line["name"])
    for cause, names in causes.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        console.print(f"new, for this has changed: {cause}: {names[0]}{more}")


def _gathered(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        name = line["name"].rpartition(" · round")[0] or line["name"]
        groups.setdefault(name, []).append(line)
    return groups


def _iterations(line: dict[str, Any]) -> str:
    if line["kind"] == "timing":
        return "timed"
    return f"{line['iterations']:,}" if line["iterations"] else f"of {line['full_iterations']:,}"
