"""A trial's key: a hash of what is measured, so that equal keys need to be measured once."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from harness.plan.trial import TimingTrial, TrainingTrial

SCHEMA = 3  # raised when a change of the engine changes what a trial measures
ENGINE = "abef7466f4e1fedd"  # digest of what trains and times; where it changes, SCHEMA may have to be raised
NOT_MEASURED = {"protocol": {"source", "rounds"}}  # of a trial's work

T = TypeVar("T", TrainingTrial, TimingTrial)


def keyed(trial: T) -> T:
    """A trial with the key of what it is made of."""
    return trial.model_copy(update={"key": key_of(trial)})


def key_of(trial: TrainingTrial | TimingTrial) -> str:
    """The key of what a trial is made of. Its row and label are names, and not in it."""
    return hash_of(
        {
            "kind": trial.kind,
            "variant": trial.variant,
            "source": trial.source,
            "config": trial.config,
            "task": trial.task,
            "data": trial.data,
            "data_source": trial.data_source,
            "seed": trial.repeat,
            "work": trial.work.model_dump(exclude=NOT_MEASURED),
        }
    )


def hash_of(measured: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that depend on the content alone, not on the order of its keys."""
    text = json.dumps({"schema": SCHEMA, **measured}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
