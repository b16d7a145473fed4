"""Resolve what a command is given: a suite, options, a record, plugins."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.paths import require_home
from harness.record.masking import masked
from harness.record.tracking_uri import TrackingUri, be_quiet, find_tracking_uri, require_record
from harness.registry import load_plugin
from harness.text import plain

if TYPE_CHECKING:
    from harness.suite.load import ResolvedSuite
    from harness.suite.options import Options


def read_suite(
    path: Path, profile: str | None = None, budget: str | None = None, fraction: float | None = None
) -> ResolvedSuite:
    """Read a suite with a profile, and a budget or a fraction instead of its own; see `load_suite`."""
    from harness.suite.load import load_suite

    return load_suite(path, profile, budget, fraction)


def read_options(
    suite: ResolvedSuite, tracking_uri: str | None, data_dir: Path | None, results: Path, plugins: list[Path] | None
) -> Options:
    """Collect the options of a run and load the plugins, those of the suite first.

    Raises:
        UserError: no record can be there, or a plugin can't be loaded.
    """
    from harness.data import data_folder
    from harness.suite.options import Options, with_plugins

    tracking_uri = record_uri(tracking_uri, results)
    given = Options(
        results=results,
        data=data_folder(data_dir),
        tracking_uri=tracking_uri,
        plugins=tuple(plugins or ()),
        command=given_command(),
    )
    options = with_plugins(suite, given)
    load_plugins(options.plugins)
    return options


def record_uri(tracking_uri: str | None, results: Path) -> TrackingUri:
    """Find the tracking URI of a record, which need not exist, and quieten MLflow before it is imported.

    Raises:
        UserError: there can be no record.
    """
    require_home()
    be_quiet()
    return find_tracking_uri(tracking_uri, results)


def existing_record(tracking_uri: str | None, results: Path) -> TrackingUri:
    """Find the tracking URI of a record that exists.

    Raises:
        UserError: there is none.
    """
    tracking_uri = record_uri(tracking_uri, results)
    require_record(tracking_uri)
    return tracking_uri


def load_plugins(paths: list[Path] | tuple[Path, ...] | None) -> None:
    """Register the variants and datasets of plugins."""
    for path in paths or ():
        load_plugin(path)


def given_command() -> str:
    """Return the command that was given, without passwords."""
    return plain(shlex.join(["python", "-m", "harness", *map(masked, sys.argv[1:])]))
