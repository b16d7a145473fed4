"""Of a folder of figures only that goes which an earlier report has written into it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from harness.report.folder import MANIFEST, replace_files


def shown(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)


def test_what_an_earlier_report_has_written_goes_and_what_is_a_strangers_stays(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "paper.pdf").write_bytes(b"somebody's")
    (folder / ".ipynb_checkpoints").mkdir()
    replace_files(folder, {"old.png": b"1", "kept.png": b"2", "drawn-over.pdf": b"3"})
    (folder / "drawn-over.pdf").write_bytes(b"with an arrow that somebody has drawn")
    assert replace_files(folder, {"kept.png": b"4"}) == [folder / "kept.png"]
    assert shown(folder) == [".ipynb_checkpoints", "drawn-over.pdf", "kept.png", "paper.pdf"]
    assert (folder / "kept.png").read_bytes() == b"4"


HOSTILE = ["../victim.png", "/victim.png", "sub/victim.png", "..", ".", "", ".written.json", "a\0.png", "victim.tex"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_manifest_names_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "figures"
    (folder / "sub").mkdir(parents=True)
    victims = [tmp_path / "victim.png", folder / "sub" / "victim.png", folder / "victim.tex"]
    for path in victims:
        path.touch()
    (folder / MANIFEST).write_text(json.dumps({name: hashlib.sha256(b"").hexdigest()}))
    replace_files(folder, {})
    assert all(path.exists() for path in victims)
    assert json.loads((folder / MANIFEST).read_text()) == {}


def test_neither_links_nor_folders_go(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    (folder / "a.png").mkdir(parents=True)
    (tmp_path / "victim").touch()
    (folder / "b.png").symlink_to(tmp_path / "victim")
    digest = hashlib.sha256(b"").hexdigest()
    (folder / MANIFEST).write_text(json.dumps({"a.png": digest, "b.png": digest, "gone.png": digest}))
    replace_files(folder, {})
    assert shown(folder) == ["a.png", "b.png"]


@pytest.mark.parametrize("told", ["", "no JSON", "[" * 100_000, "[]", '"a.png"', '{"a.png": 1}', '{"a.png": null}'])
def test_a_damaged_manifest_names_nothing(tmp_path: Path, told: str) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / MANIFEST).write_text(told)
    replace_files(tmp_path, {})
    assert shown(tmp_path) == ["a.png"]


def test_a_manifest_that_is_no_file_of_its_own_names_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "a.png").touch()
    (tmp_path / "other.json").write_text(json.dumps({"a.png": hashlib.sha256(b"").hexdigest()}))
    (folder / MANIFEST).symlink_to(tmp_path / "other.json")
    replace_files(folder, {"b.png": b""})
    assert shown(folder) == ["a.png", "b.png"]
    assert "a.png" in (tmp_path / "other.json").read_text()  # the link was replaced, not what it leads to
