"""`harness plan`: what it lists, and how."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
ROOT = Path(__file__).parents[3]


def test_plan_lists_its_trials(cli: Cli, suite: Path, results: Path) -> None:
    trials = json.loads(cli("plan", suite, "--results", results, "--json").out)["trials"]
    assert len(trials) == 1 + 1
    for trial in trials:
        assert {"key", "name", "variant", "config", "task", "seed", "status"} <= trial.keys()
    [training] = [trial for trial in trials if trial["kind"] == "training"]
    assert (training["name"], training["status"]) == ("capsnet r=3 · mnist · seed 0", "new")
    assert (training["parameters"], training["iterations"]) == (8_215_568, 50)


def test_plan_tells_the_share_that_is_run(cli: Cli, suite: Path, results: Path) -> None:
    whole, part = (cli("plan", suite, "--results", results, *more) for more in ([], ["--fraction", "0.5"]))
    assert "of each training protocol" not in whole.out
    assert "50.000% of each training protocol" in part.out
    shown = json.loads(cli("plan", suite, "--results", results, "--fraction", "0.5", "--json").out)
    assert (shown["fraction"], shown["budget_seconds"]) == (0.5, None)
    assert [trial["iterations"] for trial in shown["trials"] if trial["kind"] == "training"] == [25]


@pytest.mark.parametrize("columns", ["", "60"])
def test_the_plan_cuts_no_name(
    cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    suite.write_text(suite.read_text().replace("seeds: [0]", "seeds: [2147483647]"))
    monkeypatch.setenv("COLUMNS", columns)
    said = cli("plan", suite, "--results", tmp_path).out
    name = "capsnet r=3 · mnist · seed 2147483647"
    if columns:
        assert all(part in said for part in name.split())
        assert max(map(len, said.splitlines())) <= 60
    else:
        assert name in said


@pytest.mark.slow
def test_the_speed_suite_times_every_row_beside_its_reference(tmp_path: Path) -> None:
    """As a process of its own, since its plugin would stay in this one."""
    command = [sys.executable, "-m", "harness", "plan", "suites/speed.yaml", "--json", "--results", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    trials = json.loads(done.stdout)["trials"]
    settings = [(t["variant"], t["config"].get("convolution")) for t in trials if t["seed"] == 0]
    assert len(trials) == 6 * len(settings)
    for variant in ("convolution", "capsnet", "lcapsnet", "cnn"):
        assert settings.count((variant, "fast")) == settings.count((variant, "direct")) > 0
