"""Algorithms that were chosen by measuring, kept in a file, so that they are measured once on a machine.

Another choice rounds differently. So every trial of a record, a resumed one as well, takes the first that was made.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from variants.convolution import chosen_algorithms, remember, remembered


@contextmanager
def kept_choices(folder: Path) -> Iterator[None]:
    """Know what was chosen on this machine before, and keep what is chosen inside."""
    path = folder / f"{platform.node() or 'machine'}.json"
    _load(path)
    try:
        yield
    finally:
        keep_choices(folder)


def keep_choices(folder: Path) -> None:
    """Add this process's choices to the file; one that stands there already stays."""
    path = folder / f"{platform.node() or 'machine'}.json"
    before = remembered()
    _load(path)
    if remembered() == _read(path) or not before:
        return
    folder.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(json.dumps(remembered(), indent=1, sort_keys=True))
    os.replace(aside, path)


def describe_choices(model: nn.Module) -> dict[str, str]:
    """Which algorithm each large-kernel convolution of a model took, for the record."""
    chosen = chosen_algorithms(model)
    return {"convolutions": ", ".join(f"{name} {algorithm}" for name, algorithm in chosen.items())} if chosen else {}


def _load(path: Path) -> None:
    remember(_read(path))


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
