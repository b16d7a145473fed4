"""Configure a worker's memory allocator to keep freed memory, since page faults can cost more than arithmetic.

Ray ships jemalloc, which reuses large aligned blocks. The allocator of glibc up to 2.37 takes fresh memory for most of
them; it can only be told to return none to the system. The settings must be in the environment when a process starts.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from pathlib import Path
from typing import ClassVar

GLIBC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
JEMALLOC = {"MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1,thp:always"}


def allocator_settings() -> dict[str, str]:
    """Return the environment variables for workers on this machine; the user's own settings take precedence."""
    library = jemalloc()
    if library is None:
        return unless_set(GLIBC)
    preloaded = os.environ.get("LD_PRELOAD", "")
    own = "" if str(library) in preloaded else str(library)
    return {"LD_PRELOAD": " ".join(filter(None, [preloaded, own])), **unless_set(JEMALLOC)}


def unless_set(settings: dict[str, str]) -> dict[str, str]:
    """Return the settings that are not in the environment already."""
    return {name: value for name, value in settings.items() if name not in os.environ}


def jemalloc() -> Path | None:
    """Return the path of the jemalloc that Ray ships; None if there is none."""
    spec = importlib.util.find_spec("ray")
    folders = spec.submodule_search_locations if spec is not None else None
    path = Path(folders[0]) / "core" / "libjemalloc.so" if folders else None
    return path if path is not None and path.is_file() else None


def describe_allocator() -> str:
    """Name the allocator of this process, and say whether it keeps freed memory."""
    library = _library_of_malloc()
    if library.startswith("libjemalloc"):
        return "jemalloc, keeps memory" if _is_set(JEMALLOC) else "jemalloc"
    if not library or library.startswith("libc."):
        return "glibc, keeps memory" if _is_set(GLIBC) else "default"
    return library


class _Found(ctypes.Structure):
    """Dl_info, the result of dladdr(3)."""

    _fields_: ClassVar = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    ]


def _library_of_malloc() -> str:
    """Return the name of the library whose malloc this process calls; empty if that can't be determined."""
    try:
        process, found = ctypes.CDLL(None), _Found()
        if process.dladdr(ctypes.cast(process.malloc, ctypes.c_void_p), ctypes.byref(found)):
            return Path(os.fsdecode(found.file or b"")).name
    except (AttributeError, OSError):
        pass
    return ""


def _is_set(settings: dict[str, str]) -> bool:
    return all(os.environ.get(name) == value for name, value in settings.items())
