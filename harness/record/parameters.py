"""Flatten a trial's settings to MLflow params; explain why a similar recorded trial does not match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.plan.trial import Trial

MAX_PARAMETER_CHARACTERS = 6000  # MLflow's limit
ALIKE = ("variant", "task", "seed", "round")  # what similar trials have in common
DERIVED = ("label", "fraction")  # from other parameters
WORDS = {"source": "the variant's source", "data": "the data", "data_source": "the dataset's source"}


def parameters(trial: Trial) -> dict[str, str]:
    """Return the settings of a trial by name, as MLflow params."""
    flat: dict[str, Any] = {"variant": trial.variant, "label": trial.label, "task": trial.task}
    flat |= {"source": trial.source, "data": trial.data, "data_source": trial.data_source}
    flat["seed" if trial.kind == "training" else "round"] = trial.repeat
    flat |= {f"config.{name}": value for name, value in trial.config.items()}
    if trial.kind == "training":
        work = trial.work
        flat |= {f"protocol.{name}": value for name, value in _flat(work.protocol.model_dump()).items()}
        flat |= {
            "iterations": work.iterations,
            "fraction": work.fraction,
            "train_images": work.train_images,
            "test_images": work.test_images or "all",
            "precision": work.precision,
        }
    if trial.kind == "timing":
        flat |= {f"timing.{name}": value for name, value in trial.work.protocol.model_dump().items()}
        flat |= {"learning_rate": trial.work.learning_rate, "precision": trial.work.precision}
    return {name: str(value)[:MAX_PARAMETER_CHARACTERS] for name, value in flat.items()}


def _flat(nested: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        flat |= {f"{name}.{n}": v for n, v in _flat(value).items()} if isinstance(value, dict) else {name: value}
    return flat


def why_new(trial: Trial, others: Iterable[Mapping[str, str]]) -> str:
    """Say what has changed since the most similar of the recorded trials; empty if none is alike.

    Arguments:
        others: the parameters of recorded trials that the plan does not hold any more, the newest first.
    """
    mine = parameters(trial)
    alike = [each for each in others if all(each.get(name) == mine.get(name) for name in ALIKE)]
    if not alike:
        return ""
    changes = min((_changes(mine, before) for before in alike), key=len)
    return ", ".join(changes) or "how the harness measures"


def _changes(mine: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """List the settings that differ, of those that both have: a record of an early version may lack some."""
    return [
        WORDS.get(name, f"{name} {before[name]} → {value}")
        for name, value in mine.items()
        if name not in DERIVED and name in before and before[name] != value
    ]
