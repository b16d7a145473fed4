"""One driver at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.record.lock import only_driver

HOLD = """
import sys, time
from pathlib import Path
from harness.record.lock import only_driver
with only_driver(Path(sys.argv[1]), "mine"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of the suite `mine`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_in_one_line(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(UserError) as caught, only_driver(tmp_path, "mine"):
        pass
    assert str(caught.value) == (
        f"the suite 'mine' is being run into {tmp_path} by process {holder.pid}; wait for it or stop it."
    )
    with only_driver(tmp_path, "other"):  # another suite is none of its business
        pass


def test_a_dead_holders_lock_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with only_driver(tmp_path, "mine"):
        pass


def test_it_is_free_again_after_the_end_and_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), only_driver(tmp_path, "mine"):
            raise KeyError
    with only_driver(tmp_path, "mine"), pytest.raises(UserError, match=str(os.getpid())), only_driver(tmp_path, "mine"):
        pass


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def flock(*_: object) -> None:
        raise OSError(code, "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    said: list[str] = []
    with only_driver(tmp_path, "mine", said.append):
        [line] = said
    assert line == f"{tmp_path} is on a file system without locks; a second driver is kept out by the record alone"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_lock_of_another_user_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def closed(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", closed)
    with pytest.raises(UserError) as caught, only_driver(tmp_path, "mine"):
        pass
    assert str(caught.value).startswith(f"{tmp_path / '.mine.lock'} can't be opened to be written (")
    assert "ask for the right to write in that folder, or name another one with --results" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_error_of_what_is_done_under_the_lock_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="of something else"), only_driver(tmp_path, "mine"):
        raise PermissionError("of something else")
