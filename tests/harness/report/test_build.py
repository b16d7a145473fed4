"""Where a report goes, and that it is whole or told not to be."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.analysis.rows import Model, Rows, TimedRow, TrainedRow
from harness.errors import UserError
from harness.report.build import report_folder, write_report
from harness.report.render.formats import FILES
from harness.report.tables.rows import Tables
from tests.harness.report.example import example

NAMES: dict[str, Any] = {"title": "x", "task": "a", "short_title": "x", "short_task": "a", "variant": "x", "config": {}}


@pytest.fixture
def tables() -> Tables:
    return dataclasses.replace(example(), rows_of=None)


def test_no_two_suites_share_a_folder(tmp_path: Path) -> None:
    named = [("a", None), ("a", "b-c"), ("a-b", "c"), ("a-b-c", None), ("a.b", None), ("a", "b"), ("mlflow.db", None)]
    folders = [report_folder(tmp_path, suite, profile) for suite, profile in named]
    assert len(set(folders)) == len(folders)
    assert {folder.parent for folder in folders} == {tmp_path / "reports"}
    assert folders[1] == tmp_path / "reports" / "a@b-c"


@pytest.mark.parametrize(("suite", "profile"), [("../a", None), ("a", "../b"), ("a/b", None), ("..", None), ("", None)])
def test_a_record_names_no_other_folder(tmp_path: Path, suite: str, profile: str | None) -> None:
    with pytest.raises(UserError, match="are no names"):
        report_folder(tmp_path, suite, profile)


def test_files_of_others_stay_and_are_not_told(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "figures" / ".ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "figures" / "paper.pdf").touch()
    (tmp_path / "notes.txt").touch()
    files = write_report(tables, tmp_path)
    assert [path.name for path in files] == [*FILES, "errors.pdf", "errors.png"]
    assert (tmp_path / "notes.txt").exists()
    assert {path.name for path in (tmp_path / "figures").iterdir()} >= {".ipynb_checkpoints", "paper.pdf"}


def test_a_full_disk_is_one_sentence_and_leaves_the_old_report(
    tables: Tables, tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    write_report(dataclasses.replace(tables, suite="before"), tmp_path)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with small_files(1000), pytest.raises(UserError, match=r"the report cannot be written to .* what is recorded"):
        write_report(tables, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == old


def test_a_file_in_place_of_the_folder_is_one_sentence(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "reports").touch()
    with pytest.raises(UserError, match="Not a directory"):
        write_report(tables, report_folder(tmp_path, "a", None))


def test_a_figure_that_can_not_be_drawn_is_named_and_costs_no_report(tables: Tables, tmp_path: Path) -> None:
    flat = {"moved": np.zeros((2, 11, 8), np.uint8), "moved_class": np.array(1)}
    row = TrainedRow(**NAMES, models=[Model(0, lambda: flat)])
    told: list[str] = []
    files = write_report(
        dataclasses.replace(tables, rows_of=lambda name: Rows(name, [row] if name == "perturbation" else [])),
        tmp_path,
        told.append,
    )
    [line] = told
    assert line.startswith("a figure is left out: moved-a-x: ")
    assert "Left out: moved-a-x: " in files[0].read_text(encoding="utf-8")
    assert [path.name for path in files] == [*FILES, "errors.pdf", "errors.png"]


def test_without_matplotlib_there_is_a_report(tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as where it can't be imported
    row = TimedRow(**NAMES, samples=lambda: [[0.1]])
    told: list[str] = []
    write_report(dataclasses.replace(tables, rows_of=lambda name: Rows(name, timed=[row])), tmp_path, told.append)
    first, others = told
    assert first.startswith("a figure is left out: errors: ")
    assert others.startswith("a figure is left out: all figures: ")
