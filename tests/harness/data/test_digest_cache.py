import hashlib
import os
from pathlib import Path

import pytest

from harness.data import digest_cache


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "1.mat"
    path.write_bytes(b"one")
    assert digest_cache.cached_sha256(path) == sha256(b"one")
    computed: list[Path] = []
    compute = digest_cache.fresh_sha256
    monkeypatch.setattr(digest_cache, "fresh_sha256", lambda path: computed.append(path) or compute(path))
    assert digest_cache.cached_sha256(path) == sha256(b"one")
    assert not computed
    path.write_bytes(b"other")
    assert digest_cache.cached_sha256(path) == sha256(b"other")
    assert list(tmp_path.iterdir()) == [path]  # nothing is left beside it


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "1.mat"
    path.write_bytes(b"one")
    assert digest_cache.cached_sha256(path) == sha256(b"one")
    stat = path.stat()
    with open(path, "r+b") as file:
        file.write(b"two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert digest_cache.cached_sha256(path) == sha256(b"two")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.mat")
    with pytest.raises(OSError, match="not a regular file"):
        digest_cache.cached_sha256(tmp_path / "1.mat")
