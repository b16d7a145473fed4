"""The memory allocator that workers are started with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.worker import allocator
from harness.worker.allocator import GLIBC, allocator_settings, describe_allocator


def test_a_process_started_so_has_it_and_says_so() -> None:
    script = (
        "from harness.worker.allocator import describe_allocator; import pathlib;"
        "print(describe_allocator(), '|', 'jemalloc' in pathlib.Path('/proc/self/maps').read_text())"
    )
    environment = {**os.environ, **allocator_settings()}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    told, _, loaded = done.stdout.strip().partition(" | ")
    assert told == ("jemalloc, keeps memory" if loaded == "True" else "glibc, keeps memory")
    assert done.stderr == ""


def test_without_rays_library_glibc_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "jemalloc", lambda: None)
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    assert allocator_settings() == GLIBC
    for name, value in GLIBC.items():
        monkeypatch.setenv(name, value)
    assert describe_allocator() == "glibc, keeps memory"
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "1")
    assert describe_allocator() == "default"


def test_what_the_user_has_set_stays_and_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path("/opt/ours/libjemalloc.so")
    monkeypatch.setattr(allocator, "jemalloc", lambda: own)
    monkeypatch.setenv("LD_PRELOAD", "/opt/theirs.so")
    monkeypatch.setenv("MALLOC_CONF", "narenas:1")
    assert allocator_settings() == {"LD_PRELOAD": f"/opt/theirs.so {own}"}
    monkeypatch.setenv("LD_PRELOAD", f"/opt/theirs.so {own}")
    monkeypatch.delenv("MALLOC_CONF")
    assert allocator_settings() == {"LD_PRELOAD": f"/opt/theirs.so {own}", **allocator.JEMALLOC}
    monkeypatch.setattr(allocator, "jemalloc", lambda: None)
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    assert allocator_settings() == {name: GLIBC[name] for name in GLIBC if name != "GLIBC_TUNABLES"}


def test_an_allocator_of_the_users_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_library_of_malloc", lambda: "libtcmalloc.so.4")
    assert describe_allocator() == "libtcmalloc.so.4"
    monkeypatch.setattr(allocator, "_library_of_malloc", lambda: "libjemalloc.so.2")
    monkeypatch.setenv("MALLOC_CONF", "narenas:1")
    assert describe_allocator() == "jemalloc"


def test_the_library_is_there_or_not_named() -> None:
    found = allocator.jemalloc()
    assert found is None or (isinstance(found, Path) and found.is_file())
