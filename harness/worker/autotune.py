"""A cache of autotuned algorithms, one file per machine, so that each convolution is measured there once.

Another algorithm rounds differently. Each is therefore chosen under a lock before anything is computed with it, and
every trial of a results folder uses the first choice. A checkpoint contains the choices of its trial, see
`harness.worker.train.training`.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from torch import nn

from harness.files import locked, write_whole
from variants.conv import large_kernel
from variants.conv.large_kernel import CANDIDATES, chosen_algorithms, deciding


@contextmanager
def autotune_cache(folder: Path | None) -> Iterator[None]:
    """Inside, take algorithms from this machine's cache in a folder, and add new measurements to it.

    Without a folder each choice holds in this process alone.
    """
    path = folder / f"{platform.node() or 'machine'}.json" if folder is not None else None
    with deciding(partial(_cached, path) if path is not None else _measured):
        yield


def dump() -> dict[str, str]:
    """Return the choices of this process, for a checkpoint."""
    return dict(large_kernel.remembered())


def load(choices: Mapping[str, str]) -> None:
    """Adopt the choices of a checkpoint; unknown algorithms are ignored."""
    large_kernel.remember(choices)


def describe_algorithms(model: nn.Module) -> dict[str, str]:
    """Return the algorithm of each large-kernel convolution of a model, for the record."""
    chosen = chosen_algorithms(model)
    return {"convolutions": ", ".join(f"{name} {algorithm}" for name, algorithm in chosen.items())} if chosen else {}


def _measured(_: str, measure: Callable[[], str]) -> str:
    return measure()


def _cached(path: Path, key: str, measure: Callable[[], str]) -> str:
    """Return the choice in the file; if there is none, measure one and add it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")) as is_held:
        known = _read(path)
        if key in known:
            return known[key]
        choice = measure()
        if not is_held:  # another process may have been faster
            known = _read(path)
        write_whole(path, json.dumps({key: choice} | known, indent=1, sort_keys=True))
        return known.get(key, choice)


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    is_usable = isinstance(found, dict)
    return {key: value for key, value in found.items() if value in CANDIDATES} if is_usable else {}
