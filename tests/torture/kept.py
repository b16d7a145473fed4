"""What a record holds that must be the same however its run was disturbed, read past MLflow's own code."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Kept:
    """A trial as it was recorded."""

    status: str
    weights: str
    history: tuple[tuple[str, int, float], ...]  # name, step, value; in order
    predictions: str  # digest


def trained(results: Path) -> dict[str, Kept]:
    """Every training trial by its name; fails where one is doubled."""
    with sqlite3.connect(f"file:{results}/mlflow.db?mode=ro", uri=True) as store:
        runs = store.execute(
            "select r.run_uuid, r.name, r.status from runs r join tags t on t.run_uuid = r.run_uuid "
            "where t.key = 'harness.kind' and t.value = 'trial' and r.lifecycle_stage = 'active'"
        ).fetchall()
        doubled = [name for name, n in Counter(name for _, name, _ in runs).items() if n > 1]
        assert not doubled, doubled
        return {name: _kept(store, results, run, status) for run, name, status in runs}


def _kept(store: sqlite3.Connection, results: Path, run: str, status: str) -> Kept:
    weights = store.execute(
        "select value from tags where run_uuid = ? and key = 'harness.weights_sha256'", (run,)
    ).fetchone()
    history = store.execute(
        "select key, step, value from metrics where run_uuid = ? and (key like 'train/%' or key like 'test/%' or "
        "key in ('time/epochs', 'model/parameters')) order by key, step, value",
        (run,),
    ).fetchall()
    twice = [place for place, n in Counter((key, step) for key, step, _ in history).items() if n > 1]
    assert not twice, twice
    with np.load(results / "artifacts" / run / "artifacts" / "predictions.npz") as file:
        digest = hashlib.sha256(b"".join(name.encode() + file[name].tobytes() for name in sorted(file.files)))
    return Kept(status, weights[0] if weights else "", tuple(history), digest.hexdigest())


def statuses(results: Path) -> Counter[str]:
    """How many runs there are of each status."""
    with sqlite3.connect(f"file:{results}/mlflow.db?mode=ro", uri=True) as store:
        return Counter(status for (status,) in store.execute("select status from runs where lifecycle_stage='active'"))
