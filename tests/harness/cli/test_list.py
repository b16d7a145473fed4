"""`harness list`: what there is."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.list import LISTERS
from harness.text import plain

Cli = Callable[..., Any]
ROOT = Path(__file__).parents[3]


def test_lists(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = json.loads(cli("list", "variants", "--json").out)
    assert {"cnn", "capsnet", "lcapsnet"} <= {line["name"] for line in listed}
    listed = json.loads(cli("list", "datasets", "--json").out)
    assert {"mnist", "fashion-mnist", "expanded-mnist", "affnist"} <= {line["name"] for line in listed}
    monkeypatch.chdir(ROOT)
    listed = json.loads(cli("list", "suites", "--json").out)
    assert {"smoke", "paper"} <= {line["name"] for line in listed}
    monkeypatch.chdir(tmp_path)
    assert cli("list", "suites").out.strip() == "none"
    assert json.loads(cli("list", "runs", "--results", tmp_path, "--json").out) == []
    assert "capsnet" in cli("list", "variants").out
    [published] = json.loads(cli("list", "published", "--json").out)
    assert published["name"] == "ladder-capsule-network"
    assert "Ladder Capsule Network" in published["source"]


def test_a_pipe_among_the_suites_is_none_of_them(
    cli: Cli, suite: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.yaml").write_text(suite.read_text())
    os.mkfifo(tmp_path / "suites" / "pipe.yaml")
    monkeypatch.chdir(tmp_path)
    assert [line["name"] for line in json.loads(cli("list", "suites", "--json").out)] == ["good"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["list", "planets"], ["'planets' is not one of 'variants', 'datasets', 'analyses', 'suites', 'runs'"]),
        (["list", "variant"], ["'variant' is not one of 'variants'"]),
        (["list"], ["variants|datasets|analyses|suites|runs", "variants, datasets, analyses, suites, runs"]),
    ],
)
def test_mistakes_in_what_is_listed(cli: Cli, arguments: list[str], parts: list[str]) -> None:
    line = cli(*arguments).sentence
    for part in parts:
        assert part in line


def test_json_holds_no_nan_and_steers_no_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"name": "a\x1b[5m\x9b5m\u202e", "value": math.nan, "path": Path("x"), "share": 0.1}]
    monkeypatch.setitem(LISTERS, "suites", lambda: lines)
    said = cli("list", "suites", "--json")
    assert plain(said.out) == said.out
    [line] = json.loads(said.out, parse_constant=lambda name: pytest.fail(name))
    assert line == {"name": "a\x1b[5m\x9b5m\u202e", "value": None, "path": "x", "share": 0.1}
