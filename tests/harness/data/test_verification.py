import hashlib
from pathlib import Path

import pytest

from harness.data import Damaged, Missing
from harness.data.verification import IdxFile, confirmed, missing, required, verified
from harness.errors import UserError

CONTENT = b"a file of a dataset"
FILE = IdxFile("file", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert required(tmp_path, FILE, "mnist") == verified(tmp_path, FILE) == confirmed(CONTENT, FILE) == CONTENT
    assert missing(tmp_path, [FILE]) == []


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!", CONTENT.upper(), b""])
def test_other_bytes_are_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert verified(tmp_path, FILE) is None
    assert missing(tmp_path, [FILE]) == [FILE]
    with pytest.raises(Damaged, match="wrong SHA-256: run `python -m harness data fetch mnist`"):
        required(tmp_path, FILE, "mnist")
    with pytest.raises(UserError, match="comes out differently"):
        confirmed(content, FILE)


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    assert missing(tmp_path, [FILE]) == [FILE]
    with pytest.raises(Missing, match="file is missing: run"):
        required(tmp_path, FILE, "mnist")
