"""`harness data`: datasets that are there, missing, damaged or can't be read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data import disk, gather

Cli = Callable[..., Any]
IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def change_two_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:102] = bytes(9 - byte for byte in content[100:102])
    path.write_bytes(content)


def be_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def be_endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def be_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "bytes": change_two_bytes,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "pipe": be_pipe,
    "endless": be_endless,
    "folder": be_folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_said_to_be_damaged(cli: Cli, folder: Path, tmp_path: Path, damage: str) -> None:
    DAMAGES[damage](folder / "mnist" / LABELS)
    said = cli("data", "verify", "--data-dir", folder, "--json")
    assert said.code == 1
    [line] = json.loads(said.out)
    assert line["state"] == "damaged"
    assert LABELS in line["details"]


def test_a_file_that_cannot_be_read_is_damaged(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, limit: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(disk, "read", refuse)
    said = cli("data", "verify", "--data-dir", folder, "--json")
    assert said.code == 1
    [line] = json.loads(said.out)
    assert (line["state"], "Permission denied" in line["details"]) == ("damaged", True)


def test_missing_files_are_no_fault(cli: Cli, folder: Path) -> None:
    (folder / "mnist" / LABELS).unlink()
    said = cli("data", "verify", "--data-dir", folder, "--json")
    assert said.code == 0
    assert [line["state"] for line in json.loads(said.out)] == ["missing"]


def test_datasets_of_plugins_are_reached(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    where = ["--data-dir", tmp_path, "--plugin", tiny]
    assert cli("data", "fetch", "tiny-digits", *where).code == 0
    assert "tiny-digits, image 3: " in cli("data", "show", "tiny-digits", "--index", 3, *where).out
    lines = json.loads(cli("data", "verify", *where, "--json").out)
    [line] = [line for line in lines if line["name"] == "tiny-digits"]
    assert (line["state"], line["details"]) == ("ready", "train: 120, tiny-digits: 45, noisy: 45")


@pytest.fixture
def read_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that nothing can be written to, also by root."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(30, "Read-only file system")

    for module, name in ((gather, "write_whole"), (disk, "locked"), (os, "replace"), (Path, "touch"), (Path, "mkdir")):
        monkeypatch.setattr(module, name, refuse)
    return folder


def test_a_complete_folder_that_can_only_be_read_is_enough(cli: Cli, read_only: Path) -> None:
    before = sorted(read_only.rglob("*"))
    for command in (["fetch", "mnist"], ["verify"], ["show", "mnist"]):
        said = cli("data", *command, "--data-dir", read_only)
        assert said.code == 0, said
    assert sorted(read_only.rglob("*")) == before


def test_what_a_folder_lacks_that_can_only_be_read_is_told(cli: Cli, read_only: Path) -> None:
    (read_only / "mnist" / LABELS).unlink()
    said = cli("data", "fetch", "mnist", "--data-dir", read_only)
    assert "cannot be written (Read-only file system)" in said.sentence


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["data", "show", "mnits"], ["unknown dataset 'mnits'", "did you mean 'mnist'?"]),
        (["data", "show"], ["Missing argument 'name'"]),
        (["data", "fetch", "mnits"], ["unknown dataset 'mnits'"]),
    ],
)
def test_mistakes_in_the_name_of_a_dataset(cli: Cli, arguments: list[str], parts: list[str]) -> None:
    line = cli(*arguments).sentence
    for part in parts:
        assert part in line


def test_an_image_that_is_not_there(cli: Cli, data_dir: Path) -> None:
    for index in ("10000", "-1"):
        line = cli("data", "show", "mnist", "--index", index, "--data-dir", data_dir).sentence
        assert f"--index is {index}; mnist has images 0 to 9999" in line


def test_a_digit_is_drawn(cli: Cli, data_dir: Path) -> None:
    said = cli("data", "show", "mnist", "--index", "0", "--data-dir", data_dir)
    assert said.code == 0
    assert said.out.splitlines()[-1] == "mnist, image 0: 7"  # the first test image of MNIST is a seven
    assert "█" in said.out
