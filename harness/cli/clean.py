"""`harness clean`: remove the files that no suite needs any more; `harness.record.leftovers` finds them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import make_console, say
from harness.cli.inputs import existing_record
from harness.cli.options import RESULTS, Results, TrackingUri
from harness.record.tracking_uri import TrackingUri as RecordUri


def clean(
    suites: Annotated[list[str] | None, typer.Argument(metavar="[SUITE]…", help="A name or file; else all.")] = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
) -> None:
    """Remove checkpoints, models, reports and files of runs that nobody needs any more."""
    tracking_uri = existing_record(tracking_uri, results)
    failed = _clean(tracking_uri, results, suites or [], dry_run)
    for reason in failed:
        say(reason)
    if failed:
        raise typer.Exit(1)


def _clean(tracking_uri: RecordUri, results: Path, suites: list[str], dry_run: bool) -> list[str]:
    """Print what nobody needs and remove it; return the reasons why some of it could not be removed."""
    from harness.record.leftovers import leftovers
    from harness.suite.load import suite_name

    names = [suite_name(text) for text in suites]
    console = make_console(stderr=False)
    with leftovers(tracking_uri, results, names, not dry_run, say) as found:
        for each in found:
            console.print(f"{each.bytes / 2**20:10.1f} MiB  {each.path}  {each.what}", soft_wrap=True)
        failed = [reason for each in found if not dry_run and (reason := _remove(each.path))]
    total = f"{sum(each.bytes for each in found) / 2**20:10.1f} MiB  in all"
    console.print(f"{total}, {'to be removed' if dry_run else 'removed'}" if found else "nothing to remove")
    return failed


def _remove(folder: Path) -> str:
    """Remove a folder; return the reason if that fails, else an empty text."""
    try:
        shutil.rmtree(folder)
    except OSError as error:
        return f"{folder} can't be removed ({error.strerror})"
    return ""
