"""Suites, records and paths that a command is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.text import plain

Cli = Callable[..., Any]


def test_a_suite_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    for command in ("run", "plan", "report"):
        assert f"cannot read {tmp_path}/none.yaml" in cli(command, tmp_path / "none.yaml").sentence
        assert f"cannot read {tmp_path}" in cli(command, tmp_path).sentence


@pytest.mark.parametrize("command", [["report", "SUITE"], ["ui"]])
def test_reading_a_record_that_is_not_there_makes_none(
    cli: Cli, suite: Path, tmp_path: Path, command: list[str]
) -> None:
    arguments = [str(suite) if each == "SUITE" else each for each in command]
    line = cli(*arguments, "--results", tmp_path / "results").sentence
    assert f"there is no record at {tmp_path}/results/mlflow.db yet; run a suite first" in line
    assert not (tmp_path / "results").exists()


def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder and without an entry in the list of users."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda _: dict[str, Any]()["nobody"])


def test_without_a_home_folder(cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homeless(monkeypatch)
    for command in (["run", suite], ["plan", suite, "--data-dir", tmp_path], ["list", "runs"], ["ui"]):
        assert "no home folder is known, which MLflow needs; set HOME" in cli(*command, "--results", tmp_path).sentence
    assert "~/data: no home folder is known for its '~'" in cli("data", "verify", "--data-dir", "~/data").sentence
    said = cli("doctor", "--results", tmp_path)
    assert "MISSING data: ~/.cache" in said.out
    assert (said.code, said.err) == (1, "")


def test_the_home_folder_in_options(cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for options in (["--results=~/r"], ["--results", "~/r"]):
        assert f"no record at {tmp_path}/r/mlflow.db" in cli("report", suite, *options).sentence
    assert f"no record at {tmp_path}/x.db" in cli("report", suite, "--tracking-uri", "sqlite:///~/x.db").sentence
    assert f"no plugin file {tmp_path}/p.py" in cli("plan", suite, "--plugin=~/p.py").sentence
    assert cli("plan", "~/suite.yaml", "--json", "--results=~/r").code == 0
    monkeypatch.setenv("HARNESS_DATA", "~/d")
    assert f"data in {tmp_path}/d:" in cli("doctor", "--results=~/r").out
    assert not (tmp_path / "~").exists()


def test_a_path_that_is_no_text(cli: Cli, suite: Path) -> None:
    for option in ("--results", "--data-dir", "--plugin"):
        assert "no usable path (not text in this locale)" in cli("plan", suite, option, "a\udce4").sentence


@pytest.mark.parametrize("key", ["\\e[31mred", "\\e]52;c;aGk=\\a", "\\u202e", "\\x9b5m"])
def test_no_word_of_a_suite_steers_the_terminal(cli: Cli, suite: Path, key: str) -> None:
    suite.write_text(f'{suite.read_text()}"{key}": 1\n')
    line = cli("plan", suite).sentence
    assert "unknown key" in line
    assert line == plain(line)
