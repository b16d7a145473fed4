"""The memory allocator of a worker: one that keeps what it has, since page faults can cost more than arithmetic.

Ray brings jemalloc, which reuses large aligned blocks; glibc's own allocator, up to 2.37, takes fresh memory for
most of them, and is only set to return none. The settings must stand in the environment before a process starts.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

GLIBC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
JEMALLOC = {"MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1,thp:always"}


def allocator_settings() -> dict[str, str]:
    """The environment variables of a worker on this machine."""
    library = jemalloc()
    return GLIBC if library is None else {"LD_PRELOAD": str(library), **JEMALLOC}


def jemalloc() -> Path | None:
    """The library that Ray brings, if it does."""
    spec = importlib.util.find_spec("ray")
    folders = spec.submodule_search_locations if spec is not None else None
    path = Path(folders[0]) / "core" / "libjemalloc.so" if folders else None
    return path if path is not None and path.is_file() else None


def describe_allocator() -> str:
    """What this process was started with, in a few words."""
    if "libjemalloc" in os.environ.get("LD_PRELOAD", "") and _is_set(JEMALLOC):
        return "jemalloc, keeps memory"
    return "glibc, keeps memory" if _is_set(GLIBC) else "default"


def _is_set(settings: dict[str, str]) -> bool:
    return all(os.environ.get(name) == value for name, value in settings.items())
