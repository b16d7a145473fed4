"""List what an MLflow store holds, whatever the suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlflow.entities import Run

from harness.record.access import Access
from harness.record.names import INVOCATIONS, PROFILE, REPORT, SUITE


def suite_of(tracking_uri: str, invocation: str, notify: Callable[[str], None] = lambda _: None) -> str | None:
    """Return the name of an invocation's suite, given the id of its run; None if there is no such run."""
    run = Access(tracking_uri, notify).run(invocation)
    return run.data.tags.get(SUITE) if run is not None else None


def list_invocations(tracking_uri: str, notify: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """Return a line for each invocation in a store, the newest first."""
    store = Access(tracking_uri, notify)
    found = store.runs([each.experiment_id for each in store.experiments()], INVOCATIONS)
    return [
        {
            "name": run.data.tags[SUITE],
            "profile": run.data.tags[PROFILE],
            "started": _started(run),
            "status": run.info.status.lower(),
            "run_id": run.info.run_id,
        }
        for run in found
    ]


def _started(run: Run) -> str:
    return datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Browsable:
    """A suite's experiment in a store: its name, its id, and the run of its newest report, if there is one."""

    name: str
    experiment: str
    report: str


def suites(tracking_uri: str) -> list[Browsable]:
    """Return the suites in a store, the newest first."""
    store = Access(tracking_uri)
    found = []
    for experiment in store.experiments():
        if experiment.name != "Default":
            query = f"{INVOCATIONS} and attributes.status != 'RUNNING' and attributes.status != 'KILLED'"
            done = store.runs([experiment.experiment_id], query)
            report = done[0].data.tags.get(REPORT, done[0].info.run_id) if done else ""
            found.append(Browsable(experiment.name, experiment.experiment_id, report))
    return found
