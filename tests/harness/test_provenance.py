"""The version of the code, in a checkout and outside one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import provenance
from harness.provenance import code_version


def test_in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    source = tmp_path / "package" / "provenance.py"
    source.parent.mkdir()
    source.write_text("# first\n")
    monkeypatch.setattr(provenance, "__file__", str(source))
    git("init")
    git("add", "-A")
    git("commit", "-m", "first")
    assert code_version()["commit"] == git("rev-parse", "HEAD")
    assert code_version()["dirty"] == "false"
    source.write_text("# second\n")
    assert code_version()["dirty"] == "true"


def test_outside_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    assert code_version().keys() == {"version"}
