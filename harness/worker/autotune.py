"""Algorithms that were chosen by measuring, kept in a file, so that they are measured once on a machine.

Another choice rounds differently. So each is made under a lock before anything is computed with it, and every trial of
a results folder takes the first that was made. A checkpoint holds those of its trial, see
`harness.worker.train.training`.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from torch import nn

from harness.files import locked
from variants.conv.large_kernel import CANDIDATES, chosen_algorithms, deciding


@contextmanager
def kept_choices(folder: Path | None) -> Iterator[None]:
    """Inside, choices are those that were made on this machine before, and new ones are kept; without a folder, each
    holds inside alone."""
    path = folder / f"{platform.node() or 'machine'}.json" if folder is not None else None
    with deciding(partial(_decide, path) if path is not None else _measured):
        yield


def _measured(_: str, measure: Callable[[], str]) -> str:
    return measure()


def _decide(path: Path, key: str, measure: Callable[[], str]) -> str:
    """The choice in the file or, where there is none, one that is measured now and written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")) as is_held:
        known = _read(path)
        if key in known:
            return known[key]
        choice = measure()
        if not is_held:  # somebody else may have been faster
            known = _read(path)
        _write(path, {key: choice} | known)
        return known.get(key, choice)


def describe_choices(model: nn.Module) -> dict[str, str]:
    """Which algorithm each large-kernel convolution of a model took, for the record."""
    chosen = chosen_algorithms(model)
    return {"convolutions": ", ".join(f"{name} {algorithm}" for name, algorithm in chosen.items())} if chosen else {}


def _write(path: Path, choices: dict[str, str]) -> None:
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(json.dumps(choices, indent=1, sort_keys=True))
    os.replace(aside, path)


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    is_usable = isinstance(found, dict)
    return {key: value for key, value in found.items() if value in CANDIDATES} if is_usable else {}
