"""`harness doctor`: what this machine is and what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_doctor_tells_what_is_here(cli: Cli, data_dir: Path, tmp_path: Path) -> None:
    said = cli("doctor", "--data-dir", data_dir, "--results", tmp_path)
    assert "Python 3." in said.out
    assert "mnist: train: 60,000, mnist: 10,000" in said.out
    assert said.code == (1 if "MISSING" in said.out else 0)


def test_the_doctor_finds_the_damage(cli: Cli, folder: Path, tmp_path: Path) -> None:
    os.truncate(folder / "mnist/t10k-labels-idx1-ubyte", 100)
    said = cli("doctor", "--data-dir", folder, "--results", tmp_path)
    assert said.code == 1
    [line] = [line for line in said.out.splitlines() if "mnist:" in line]
    assert line.startswith("DAMAGED mnist: ")
    assert "data fetch mnist" in line


def test_missing_files_are_no_fault_of_the_machine(cli: Cli, folder: Path, tmp_path: Path) -> None:
    (folder / "mnist/t10k-labels-idx1-ubyte").unlink()
    said = cli("doctor", "--data-dir", folder, "--results", tmp_path)
    assert "missing mnist: " in said.out
    assert "A run that needs it fetches it" in said.out
