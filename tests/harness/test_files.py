"""Files that are replaced are whole; locks have one holder at a time, and none where the file system has none."""

from __future__ import annotations

import errno
import fcntl
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from harness.files import locked, write_whole


def test_a_text_and_bytes_are_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", "9×9")
    write_whole(tmp_path / "a.txt", b"\x00" * 3)
    assert (tmp_path / "a.txt").read_bytes() == bytes(3)
    write_whole(tmp_path / "a.txt", "9×9")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "9×9"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_what_fails_leaves_the_old_one_alone(
    tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    (tmp_path / "a.txt").write_text("old")
    with small_files(1000), pytest.raises(OSError, match="large"):
        write_whole(tmp_path / "a.txt", "n" * 5000)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_one_holder_at_a_time(tmp_path: Path, what: str) -> None:
    path = tmp_path if what == "folder" else tmp_path / "lock"
    inside = []

    def hold() -> None:
        with locked(path) as is_held:
            assert is_held
            inside.append("in")
            time.sleep(0.02)
            inside.append("out")

    threads = [threading.Thread(target=hold) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == ["in", "out"] * 3


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def flock(*_: object) -> None:
        raise OSError(code, "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path / "lock") as is_held:
        assert not is_held


def test_any_other_error_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="broken"), locked(tmp_path / "lock"):
        pass
