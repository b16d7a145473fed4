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
