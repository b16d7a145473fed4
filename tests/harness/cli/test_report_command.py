"""`harness report`: mistakes, each in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from harness.cli.report import Format
from harness.report.render.formats import FORMATS

Cli = Callable[..., Any]


def test_a_format_that_there_is_none_of(cli: Cli, suite: Path) -> None:
    line = cli("report", suite, "--format", "pdf").sentence
    assert "'--format'" in line
    assert "'pdf' is not one of 'html', 'md', 'tex', 'csv', 'json'" in line


def test_a_suite_without_a_record(cli: Cli, suite: Path, results: Path) -> None:
    line = cli("report", suite, "--results", results).sentence
    assert "nothing is recorded of the suite 'good'" in line


def test_every_format_of_a_report_can_be_asked_for() -> None:
    assert set(get_args(Format)) == FORMATS.keys()


def test_a_plugin_that_is_lost_is_told_and_costs_no_report(cli: Cli, suite: Path, results: Path) -> None:
    suite.write_text(f"{suite.read_text()}\nplugins: [gone.py]\n")
    said = cli("report", suite, "--results", results)
    first, last = said.err.splitlines()
    assert first.startswith("the report does without a plugin: there is no plugin file ")
    assert "nothing is recorded of the suite 'good'" in last


def test_a_claim_that_is_written_wrongly(cli: Cli, suite: Path, results: Path) -> None:
    claim = "{kind: coupling_follows_activity, sentence: x, task: mnist, of: {variant: capsnet}, than: {variant: cnn}}"
    suite.write_text(f"{suite.read_text()}\nclaims: [{claim}]\n")
    for command in ("plan", "report"):
        line = cli(command, suite, "--results", results).sentence
        assert line.startswith(f"{suite}: unknown key 'claims.0.than': ")
    suite.write_text(suite.read_text().replace("coupling_follows_activity", "of_a_plugin"))
    assert "nothing is recorded" in cli("report", suite, "--results", results).sentence
