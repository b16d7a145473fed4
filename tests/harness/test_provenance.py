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


@pytest.mark.parametrize(
    ("added", "is_dirty"),
    [
        ("variants/mine.py", True),
        ("package/deep/mine.py", True),
        ("suites/mine.py", True),
        ("variants/ignored.py", True),  # it is run nonetheless
        ("notes.py", False),
        ("variants/notes.txt", False),
        ("results/mine.py", False),
    ],
)
def test_files_that_git_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, added: str, is_dirty: bool
) -> None:
    source = tmp_path / "package" / "provenance.py"
    source.parent.mkdir()
    source.touch()
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    monkeypatch.setattr(provenance, "__file__", str(source))
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init"], ["add", "-A"], [*who, "commit", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    assert code_version()["dirty"] == "false"
    (tmp_path / added).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / added).touch()
    assert code_version()["dirty"] == str(is_dirty).lower()


def test_in_a_checkout_of_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is installed in somebody's folder, whose commits say nothing of it."""
    (tmp_path / "paper.tex").touch()
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init"], ["add", "-A"], [*who, "commit", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    source = tmp_path / "env" / "provenance.py"
    source.parent.mkdir()
    source.touch()
    monkeypatch.setattr(provenance, "__file__", str(source))
    assert code_version().keys() == {"version"}


def test_outside_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    assert code_version().keys() == {"version"}
