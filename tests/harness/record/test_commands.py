"""What commands make of records that were moved, of clocks that are set, of stores that say no, and of addresses."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow.tracking import MlflowClient

from harness.record.tracking_uri import default_tracking_uri

Cli = Callable[..., Any]
TRAINED = "rows: [{variant: tiny, protocol: short}]"


@pytest.fixture
def suite(tiny_suite: Path) -> Path:
    """The tiny suite without its timings, in training of a few iterations."""
    text = tiny_suite.read_text().replace("epochs: 4", "epochs: 1")
    tiny_suite.write_text(text[: text.index("times:")])
    return tiny_suite


@pytest.fixture
def command(cli: Cli, suite: Path, tiny: Path, tmp_path: Path) -> Cli:
    """A command of the suite on a folder of results."""
    options = {"run": ["--serial", "--data-dir", tmp_path / "data", "--plugin", tiny], "plan": ["--plugin", tiny]}
    return lambda name, folder, *more: cli(name, suite, "--results", folder, *options.get(name, []), *more)


def rows(suite: Path, *hidden: int) -> None:
    listed = ", ".join(f"{{variant: tiny, config: {{hidden: {n}}}, protocol: short}}" for n in hidden)
    text = suite.read_text()
    start = text.index("  rows: [")
    suite.write_text(f"{text[:start]}  rows: [{listed}]\n")


def test_a_report_is_of_the_run_that_was_just_made_whatever_the_clock_said(
    command: Cli, cli: Cli, suite: Path, results: Path
) -> None:
    rows(suite, 3)
    assert command("run", results).code == 0
    with sqlite3.connect(results / "mlflow.db") as database:  # as if the clock had been a day ahead then
        database.execute("UPDATE runs SET start_time = start_time + 86400000")
    rows(suite, 4)
    said = command("run", results)
    assert said.code == 0, said.err
    for text in (said.out, command("report", results).out, (results / "reports" / "tiny" / "report.md").read_text()):
        assert "tiny h=4" in text
        assert "tiny h=3" not in text
    compared = cli("compare", "tiny~1", "tiny", "--results", results, "--json")
    assert compared.code == 0, compared.err
    listed = json.loads(cli("list", "runs", "--json", "--results", results).out)
    assert listed[0]["started"] < listed[1]["started"]


def test_a_folder_that_was_moved_is_gone_on_with(command: Cli, suite: Path, results: Path, tmp_path: Path) -> None:
    rows(suite, 3)
    assert command("run", results).code == 0
    moved = tmp_path / "100% else?where#"
    shutil.move(results, moved)
    rows(suite, 3, 4)
    said = command("run", moved)
    assert said.code == 0, said.err
    assert "2 trials: 1 done, 1 new" in said.err
    assert "tiny h=3" in said.out
    assert not results.exists()
    client = MlflowClient(default_tracking_uri(moved))
    for run in client.search_runs(["1"]):
        assert client.list_artifacts(run.info.run_id)
    assert command("report", moved).code == 0
    assert command("run", moved).code == 0


def test_a_server_that_takes_no_large_files_costs_neither_numbers_nor_other_trials(
    command: Cli, suite: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows(suite, 3, 4)
    upload = MlflowClient.log_artifacts
    uploads = []

    def limited(self: MlflowClient, run: str, folder: str, *more: Any) -> None:
        uploads.append(run)
        if any(path.name == "model" for path in Path(folder).iterdir()) and run == uploads[0]:
            answer = requests.Response()
            answer.status_code = 413
            raise requests.HTTPError("413 Client Error: Request Entity Too Large", response=answer)
        upload(self, run, folder, *more)

    monkeypatch.setattr(MlflowClient, "log_artifacts", limited)
    said = command("run", results)
    assert said.code == 1
    assert "its model could not be kept" in said.err
    assert "413" in said.err
    assert "Traceback" not in said.err
    assert said.out.count("tiny h=") >= 2
    assert [line["status"] for line in json.loads(command("plan", results, "--json").out)["trials"]] == ["done"] * 2
    assert command("run", results).code == 0


def test_an_address_that_is_recorded_to_is_read_by_every_command(
    command: Cli, cli: Cli, suite: Path, results: Path, tmp_path: Path
) -> None:
    rows(suite, 3)
    given = ["--tracking-uri", f"sqlite:///{results}/mlflow.db?timeout=30"]
    elsewhere = tmp_path / "other"
    for _ in range(2):
        said = command("run", elsewhere, *given)
        assert said.code == 0, said.err
    assert command("report", elsewhere, *given).code == 0
    assert "1 done" in command("plan", elsewhere, *given).out
    assert len(json.loads(cli("list", "runs", "--json", *given).out)) == 2
    assert cli("compare", "tiny~1", "tiny", *given).code == 0
    absent = f"sqlite:///{tmp_path}/absent.db?timeout=30"
    said = cli("compare", "a", "b", "--tracking-uri", absent)
    assert f"there is no record at {tmp_path}/absent.db yet" in said.sentence
