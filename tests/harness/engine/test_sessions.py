"""The private folder of an embedded Ray, and those that dead runs have left."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.engine import sessions
from harness.errors import UserError


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only place where such a folder may be; tmp_path is too long for it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(sessions, "_places", lambda: [Path(folder)])
        yield Path(folder)


def test_it_is_private_short_and_gone_afterwards(place: Path) -> None:
    before = psutil.Process().children()
    with sessions.session() as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o077 == 0
        assert sessions.stale() == []  # as its owner lives
        (folder / "ray").mkdir()
    assert list(place.iterdir()) == []
    assert psutil.Process().children() == before


def test_the_users_choice_comes_first_if_it_is_short_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("long" * 15)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setenv("RAY_TMPDIR", "relative")
    with sessions.session() as folder:
        assert not folder.is_relative_to(long)
        assert len(os.fsencode(folder)) <= sessions.MAX_PATH_BYTES
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setenv("RAY_TMPDIR", short)
        with sessions.session() as folder:
            assert folder.parent == Path(short)
    assert list(long.iterdir()) == []


def test_no_place_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_places", lambda: [tmp_path / "missing", tmp_path])
    with pytest.raises(UserError, match=r"set RAY_TMPDIR to a short one"), sessions.session():
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_owner_has_left_is_found(place: Path) -> None:
    folder = place / f"{sessions.PREFIX}dead"
    folder.mkdir()
    assert sessions.stale() == []  # somebody may be about to mark it
    script = "import sys, fcntl; fcntl.flock(open(sys.argv[1], 'w'), fcntl.LOCK_EX)"
    subprocess.run([sys.executable, "-c", script, folder / sessions.OWNER_FILE], check=True)
    (place / "another").mkdir()
    (place / f"{sessions.PREFIX}link").symlink_to(place)
    assert sessions.stale() == [folder]
    sessions.remove(folder)
    assert sessions.stale() == []
