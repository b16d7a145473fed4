import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.data import store
from harness.errors import UserError


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    store.write(path, b"old")
    with pytest.raises(TypeError):
        store.write(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_file_in_place_of_the_folder_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match=r"cannot be written .*--data-dir"), store.writing(tmp_path / "taken"):
        pass


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from harness.data import store\n"
        "with store.locked(pathlib.Path(sys.argv[1]), lambda m: print(m, flush=True)): print('in')"
    )
    with store.locked(tmp_path, print):
        other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline().startswith("waiting for another process")
        assert other.poll() is None
    rest, _ = other.communicate(timeout=30)
    assert rest == "in\n"


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_and_used(tmp_path: Path, monkeypatch, number: int) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    said: list[str] = []
    with store.locked(tmp_path, said.append):
        pass
    assert len(said) == 1
    assert os.strerror(number) in said[0]


def test_another_users_lock_is_held_for_reading(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / ".lock").touch()
    really = open

    def refuse(path: object, mode: str, *rest: object) -> object:
        if "a" in mode:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(path, mode, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.open", refuse)
    with store.locked(tmp_path, print):
        pass


def test_reads_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    assert len(store.read(tmp_path / "a", 200)) == 100
    assert len(store.read(tmp_path / "a", 10)) == 11
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("endless", "folder", "pipe"):
        with pytest.raises(OSError, match="not a regular file"):
            store.read(tmp_path / name, 10)


def test_wrong_content_is_kept_once_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.rejected").write_bytes(b"the user's")
    for content in (b"wrong", b"wrong", b"wrong too"):
        store.keep_rejected(tmp_path / "a", content)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {"a.rejected": b"the user's", "a.rejected-2": b"wrong", "a.rejected-3": b"wrong too"}
