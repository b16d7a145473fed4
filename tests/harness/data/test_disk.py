import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.data import disk
from harness.errors import UserError


def test_a_file_in_place_of_the_folder_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match=r"cannot be written .*--data-dir"), disk.writing(tmp_path / "taken"):
        pass


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from harness.data import disk\n"
        "with disk.locked(pathlib.Path(sys.argv[1]), lambda m: print(m, flush=True)): print('in')"
    )
    with disk.locked(tmp_path, print):
        other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline().startswith("waiting for another process")
        assert other.poll() is None
    rest, _ = other.communicate(timeout=30)
    assert rest == "in\n"


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    said: list[str] = []
    with disk.locked(tmp_path, said.append):
        pass
    assert said == [f"the file system of {tmp_path} has no locks: fetch from one process at a time"]


def test_another_users_lock_is_held_for_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".lock").touch()
    really = os.open

    def refuse(path: Path, flags: int, *rest: int) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with disk.locked(tmp_path, print):
        pass


def test_reads_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    assert len(disk.read(tmp_path / "a", 200)) == 100
    assert len(disk.read(tmp_path / "a", 10)) == 11
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("endless", "folder", "pipe"):
        with pytest.raises(OSError, match="not a regular file"):
            disk.read(tmp_path / name, 10)


def test_wrong_content_is_kept_once_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.rejected").write_bytes(b"the user's")
    for content in (b"wrong", b"wrong", b"wrong too"):
        disk.keep_rejected(tmp_path / "a", content)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {"a.rejected": b"the user's", "a.rejected-2": b"wrong", "a.rejected-3": b"wrong too"}
