"""Preview a run: the status, size and work of every trial, and what has changed since a similar recorded one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.data import DATASETS
from harness.plan.make import make_plan
from harness.plan.refine import at_fraction
from harness.plan.trial import Trial
from harness.plugins.source import unwatched
from harness.record.parameters import why_new
from harness.record.tracking_uri import TrackingUri
from harness.suite.load import ResolvedSuite
from harness.suite.options import Options
from harness.suite.published import load_published
from harness.worker.model_size import CHECKPOINT_COPIES, VALUE_BYTES, parameter_count
from variants import VARIANTS

if TYPE_CHECKING:
    from harness.record.recorded import RecordedTrial


def preview(resolved: ResolvedSuite, options: Options) -> dict[str, Any]:
    """Return all trials with their status, size and work; nothing is written."""
    recorded: Mapping[str, RecordedTrial] = {}
    load_published(resolved.published_paths())
    plan = make_plan(resolved, options.data)
    if TrackingUri(options.tracking_uri).exists():
        from harness.record.reader import RunReader  # MLflow takes two seconds to import

        record = RunReader(options.tracking_uri, resolved.suite.name)
        plan = at_fraction(plan, record.fraction(plan.profile, plan.budget))
        recorded = record.trials()
    planned = {trial.key for trial in plan.trials}
    others = [each.parameters for key, each in recorded.items() if each.profile == plan.profile and key not in planned]
    sizes: dict[str, int | None] = {}
    return {
        "suite": plan.suite,
        "profile": plan.profile,
        "budget_seconds": plan.budget,
        "fraction": plan.fraction,
        "trials": [_line(trial, recorded.get(trial.key), others, sizes) for trial in plan.trials],
        "no_longer_planned": len(others),
        "unwatched": _unwatched(plan.trials),
    }


def _unwatched(trials: list[Trial]) -> dict[str, list[str]]:
    """Return the packages and files that may affect results and are not in the keys, by variant and dataset."""
    found = {f"dataset '{task}'": DATASETS.sources(task) for task in sorted({trial.task for trial in trials})}
    names = sorted({trial.variant for trial in trials})
    found |= {f"variant '{name}'": VARIANTS.sources(name) for name in names}
    return {name: left_out for name, modules in found.items() if (left_out := unwatched(*modules))}


def _line(
    trial: Trial, recorded: RecordedTrial | None, others: list[Mapping[str, str]], sizes: dict[str, int | None]
) -> dict[str, Any]:
    parameters, status = _parameters(trial, sizes), recorded.status if recorded is not None else "new"
    work = trial.work if trial.kind == "training" else None
    return {
        "key": trial.key,
        "name": trial.name,
        "kind": trial.kind,
        "variant": trial.variant,
        "config": trial.config,
        "task": trial.task,
        "seed": trial.repeat,
        "status": status,
        "changed": why_new(trial, others) if status == "new" else "",
        "parameters": parameters,
        "state_mib": None if parameters is None else round((CHECKPOINT_COPIES + 1) * VALUE_BYTES * parameters / 2**20),
        "iterations": work.iterations if work is not None else None,
        "full_iterations": work.full_iterations if work is not None else None,
        "batch_size": trial.work.protocol.batch_size,
    }


def _parameters(trial: Trial, sizes: dict[str, int | None]) -> int | None:
    if trial.model not in sizes:
        sizes[trial.model] = parameter_count(trial.variant, trial.config)
    return sizes[trial.model]
