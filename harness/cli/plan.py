"""What a run would do, before it does anything."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table

from harness.data import DATASETS
from harness.plan.make import make_plan
from harness.plan.plan import count
from harness.plan.trial import Trial
from harness.plugins.source import unwatched
from harness.record.address import TrackingUri
from harness.record.parameters import Recorded, why_new
from harness.suite.options import Options
from harness.suite.published import load_published
from harness.suite.schema import Chosen
from harness.worker.model_size import COPIES, WORD, parameter_count
from variants import VARIANTS


def preview(chosen: Chosen, options: Options) -> dict[str, Any]:
    """Every trial with its status, size and work; nothing is written."""
    statuses: dict[str, str] = {}
    others: list[Recorded] = []
    fraction = None
    load_published(chosen.published_paths())
    plan = make_plan(chosen, options.data)
    if TrackingUri(options.address).exists():
        from harness.record.history import History  # MLflow takes two seconds to import

        record = History(options.address, chosen.suite.name)
        fraction = record.fraction(plan.profile, plan.budget)
        plan = make_plan(chosen, options.data, fraction)
        statuses = record.statuses(trial.key for trial in plan.trials)
        others = [each for each in record.trials(plan.profile) if each.key not in statuses]
    sizes: dict[str, int | None] = {}
    return {
        "suite": plan.suite,
        "profile": plan.profile,
        "budget_seconds": plan.budget,
        "fraction": plan.fraction,
        "trials": [_line(trial, statuses.get(trial.key, "new"), others, sizes) for trial in plan.trials],
        "no_longer_planned": len(others),
        "unwatched": _unwatched(plan.trials),
    }


def _unwatched(trials: list[Trial]) -> dict[str, list[str]]:
    """What may decide results and is not in their keys, by variant and dataset."""
    found = {f"dataset '{task}'": DATASETS.sources(task) for task in sorted({trial.task for trial in trials})}
    names = sorted({trial.variant for trial in trials})
    found |= {f"variant '{name}'": VARIANTS.sources(name) for name in names}
    return {name: left_out for name, modules in found.items() if (left_out := unwatched(*modules))}


def _line(trial: Trial, status: str, others: list[Recorded], sizes: dict[str, int | None]) -> dict[str, Any]:
    parameters = _parameters(trial, sizes)
    work = trial.training
    timed = trial.timing
    return {
        "key": trial.key,
        "name": trial.name,
        "kind": trial.kind,
        "variant": trial.variant,
        "config": trial.config,
        "task": trial.task,
        "seed": trial.seed,
        "status": status,
        "changed": why_new(trial, others) if status == "new" else "",
        "parameters": parameters,
        "state_mib": None if parameters is None else round((COPIES + 1) * WORD * parameters / 2**20),
        "iterations": work.iterations if work is not None else None,
        "full_iterations": work.full_iterations if work is not None else None,
        "batch_size": work.protocol.batch_size if work else timed.protocol.batch_size if timed else None,
    }


def _parameters(trial: Trial, sizes: dict[str, int | None]) -> int | None:
    which = f"{trial.variant} {sorted(trial.config.items())}"
    if which not in sizes:
        sizes[which] = parameter_count(trial.variant, trial.config)
    return sizes[which]


def print_preview(shown: dict[str, Any], console: Console) -> None:
    """The preview for people: a line per trial, timing rounds gathered."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("trial", "status", "params", "state", "iterations"):
        justify: JustifyMethod = "left" if column in {"trial", "status"} else "right"
        table.add_column(column, justify=justify, no_wrap=column != "trial", overflow="fold")
    for name, lines in _gathered(shown["trials"]).items():
        first = lines[0]
        statuses = ", ".join(
            f"{n} {s}" if len(lines) > 1 else s for s, n in count(line["status"] for line in lines).items()
        )
        table.add_row(
            name,
            statuses,
            f"{first['parameters'] / 1e6:.1f}M" if first["parameters"] else "",
            f"{first['state_mib']} MiB" if first["state_mib"] else "",
            _iterations(first),
        )
    console.print(table, highlight=False)
    _print_changes(shown["trials"], console)
    for name, left_out in shown["unwatched"].items():
        console.print(
            f"not watched, so that a change of it changes no key: {', '.join(left_out)} (used by {name})",
            highlight=False,
            markup=False,
        )
    totals = count(line["status"] for line in shown["trials"])
    console.print(", ".join(f"{n} {status}" for status, n in totals.items()), highlight=False)
    if shown["no_longer_planned"]:
        console.print(
            f"{shown['no_longer_planned']} recorded ones are not in this plan; they stay in the record alone",
            highlight=False,
        )
    if shown["fraction"] is None:
        console.print(
            "the iterations will be calibrated when it runs, to fit the budget; the keys follow them",
            highlight=False,
        )
    elif shown["fraction"] < 1:
        console.print(f"{shown['fraction']:.3%} of each training protocol", highlight=False)


def _print_changes(lines: list[dict[str, Any]], console: Console) -> None:
    """Why trials are new though like ones are recorded."""
    causes: dict[str, list[str]] = {}
    for line in lines:
        if line["changed"]:
            causes.setdefault(line["changed"], []).append(line["name"])
    for cause, names in causes.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        console.print(f"new, for this has changed: {cause}: {names[0]}{more}", highlight=False, markup=False)


def _gathered(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        name = line["name"].rpartition(" · round")[0] or line["name"]
        groups.setdefault(name, []).append(line)
    return groups


def _iterations(line: dict[str, Any]) -> str:
    if line["kind"] == "timing":
        return "timed"
    return f"{line['iterations']:,}" if line["iterations"] else f"of {line['full_iterations']:,}"
