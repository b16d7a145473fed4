"""What is recorded of a suite: its experiment in an MLflow store, read.

A trial is a flat run, found by its key; an invocation of the suite is a run of its own, which holds the plan.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from harness.errors import UserError
from harness.plan import Plan
from harness.record.artifacts import (
    ACTIVITY,
    CURVE_FILE,
    PICTURES,
    PREDICTIONS,
    SAMPLES,
    local_artifact,
    read_answers,
    read_pictures,
)
from harness.record.pages import run_page, served
from harness.record.parameters import Recorded

KEY, KIND, SUITE = "harness.key", "harness.kind", "harness.suite"
PROFILE, CAUSE = "harness.profile", "harness.cause"
OVERHEAD = "overhead/"
CODE, COMMAND = "harness.code.", "harness.command"
SUITE_FILE = "suite.yaml"
STATUSES = {"FINISHED": "done", "FAILED": "failed", "RUNNING": "interrupted", "KILLED": "interrupted"}
PAGE = 1000


class History:
    """A suite's experiment in an MLflow store, as far as it is there.

    Raises:
        UserError: the store can't be opened.
    """

    def __init__(self, address: str, suite: str) -> None:
        self.client, self.suite, self.address = open_store(address), suite, address
        found = self.client.get_experiment_by_name(suite)
        if found is not None and found.lifecycle_stage == "deleted":
            raise UserError(f"the experiment '{suite}' was deleted in MLflow; restore it there or rename the suite.")
        self._read: dict[str, Run] = {}  # the runs that `frame` was made of, by trial key
        self._experiment: str | None = found.experiment_id if found is not None else None

    def statuses(self, keys: Iterable[str]) -> dict[str, str]:
        """done, failed, interrupted or new, by trial key."""
        known = {run.data.tags[KEY]: STATUSES.get(run.info.status, "new") for run in self._trial_runs()}
        return {key: known.get(key, "new") for key in keys}

    def fraction(self, profile: str | None, budget: float | None) -> float | None:
        """The fraction that was calibrated for a budget before, so that all trials of it agree."""
        if self._experiment is None or budget is None:
            return None
        tags = self.client.get_experiment(self._experiment).tags
        text = tags.get(fraction_tag(profile, budget))
        return float(text) if text is not None else None

    def latest_plan(self, profile: str | None) -> tuple[Plan, list[dict[str, Any]]]:
        """The plan and published numbers of the newest invocation, of a profile if one is named.

        Raises:
            UserError: there is none.
        """
        return self.planned(self.latest_invocation(profile))

    def planned(self, invocation: str) -> tuple[Plan, list[dict[str, Any]]]:
        """The plan and published numbers of an invocation."""
        run = self.client.get_run(invocation)
        plan, published = (self._text(run, name) for name in ("plan.json", "published.json"))
        return Plan.model_validate_json(plan), json.loads(published)

    def origin(self, invocation: str) -> tuple[str, str, dict[str, str]]:
        """The command of an invocation, its suite's file (empty if it was not kept), and the facts about its code."""
        run = self.client.get_run(invocation)
        try:
            suite = self._text(run, SUITE_FILE)
        except UserError:
            suite = ""
        return run.data.tags.get(COMMAND, ""), suite, _code_facts(run)

    def page(self, run: str) -> str:
        """The address of a run in MLflow's user interface; `python -m harness ui` serves that of a file."""
        host = self.address.rstrip("/") if self.address.startswith("http") else served()
        return run_page(host, str(self._experiment), run)

    def plan_of(self, invocation: str) -> tuple[Plan, dict[str, str]]:
        """The plan of an invocation, and the facts about the code that made it."""
        run = self.client.get_run(invocation)
        facts = {f"code {name}": value for name, value in _code_facts(run).items()}
        return Plan.model_validate_json(self._text(run, "plan.json")), facts

    def latest_invocation(self, profile: str | None) -> str:
        """The id of the newest invocation, of a profile if one is named.

        Raises:
            UserError: there is none.
        """
        query = f"tags.`{KIND}` = 'suite'"
        if profile is not None:
            query += f" and tags.`{PROFILE}` = '{profile}'"
        found = self._search(query)
        if not found:
            wanted = f" with the profile '{profile}'" if profile else ""
            raise UserError(
                f"nothing is recorded of the suite '{self.suite}'{wanted}; run `python -m harness run` first."
            )
        return str(found[0].info.run_id)

    def _text(self, run: Run, name: str) -> str:
        return local_artifact(self.client, run, self.address, name).read_text(encoding="utf-8")

    def overhead(self, profile: str | None) -> dict[str, float]:
        """What the harness itself took in the newest invocation that ran a trial."""
        for run in self._search(f"tags.`{KIND}` = 'suite' and tags.`{PROFILE}` = '{profile or 'none'}'"):
            told = {k.removeprefix(OVERHEAD): v for k, v in run.data.metrics.items() if k.startswith(OVERHEAD)}
            if told:
                return told
        return {}

    def frame(self, keys: Iterable[str]) -> pd.DataFrame:
        """One line per recorded trial among `keys`: its key, status, cause, run, metrics and machine."""
        wanted = set(keys)
        lines = []
        for run in self._trial_runs():
            tags = run.data.tags
            if tags[KEY] in wanted:
                self._read[tags[KEY]] = run
                machine = {name: value for name, value in tags.items() if name.startswith("machine.")}
                status = STATUSES.get(run.info.status, "new")
                lines.append(
                    {"key": tags[KEY], "status": status, "cause": tags.get(CAUSE, ""), "run_id": run.info.run_id}
                    | machine
                    | run.data.metrics
                )
        return pd.DataFrame(lines, columns=None if lines else ["key", "status", "cause"]).set_index("key")

    def trials(self, profile: str | None) -> list[Recorded]:
        """All recorded trials of a profile, the newest first."""
        wanted = profile or "none"
        runs = [run for run in self._trial_runs() if run.data.tags.get(PROFILE) == wanted]
        runs.sort(key=lambda run: -run.info.start_time)
        return [Recorded(run.data.tags[KEY], run.data.params) for run in runs]

    def answers(self, key: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Predicted and true classes of each test of a trial, (images,) each; empty if that was not kept."""
        path = self._file(key, PREDICTIONS)
        return read_answers(path) if path is not None else {}

    def pictures(self, key: str) -> dict[str, np.ndarray]:
        """The pictures of a trial's model (`harness.running.pictures`); empty if there are none."""
        path = self._file(key, PICTURES)
        return read_pictures(path) if path is not None else {}

    def activity(self, key: str) -> dict[str, list[float]]:
        """The activities of a trial's model (`harness.running.activity`); empty if there are none."""
        path = self._file(key, ACTIVITY)
        return json.loads(path.read_text(encoding="utf-8")) if path is not None else {}

    def curve(self, key: str) -> list[tuple[float, float]]:
        """Epoch and error in training, percent, of each point of a trial's curve; empty if that was not kept."""
        path = self._file(key, CURVE_FILE)
        points = json.loads(path.read_text(encoding="utf-8")) if path is not None else []
        return [(point["epoch"], point["metrics"]["train/error_percent"]) for point in points]

    def samples(self, key: str) -> list[float]:
        """Seconds of each timed iteration of a trial; empty if that was not kept."""
        path = self._file(key, SAMPLES)
        found: dict[str, list[float]] = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
        return found.get("iteration", [])

    def _file(self, key: str, name: str) -> Path | None:
        run = self._read.get(key) or self._run_of(key)
        if run is None:
            return None
        try:
            return local_artifact(self.client, run, self.address, name)
        except UserError:
            return None

    def run_ids(self) -> dict[str, str]:
        """The run id of every recorded trial by its key."""
        return {run.data.tags[KEY]: run.info.run_id for run in self._trial_runs()}

    def _run_of(self, key: str) -> Run | None:
        found = self._search(f"tags.`{KEY}` = '{key}'")
        return found[0] if found else None

    def _last_step(self, run: str, metric: str) -> int:
        return max((each.step for each in self.client.get_metric_history(run, metric)), default=-1)

    def _trial_runs(self) -> list[Run]:
        """The newest run of each key."""
        runs = {}
        for run in reversed(self._search(f"tags.{KIND} != 'suite'")):
            if KEY in run.data.tags:
                runs[run.data.tags[KEY]] = run
        return list(runs.values())

    def _search(self, query: str) -> list[Run]:
        """All runs that match, the newest first."""
        if self._experiment is None:
            return []
        found, token = [], None
        while True:
            page = self.client.search_runs(
                [self._experiment], query, max_results=PAGE, page_token=token, order_by=["start_time DESC"]
            )
            found += page
            token = page.token
            if not token:
                return found


def _code_facts(run: Run) -> dict[str, str]:
    tags = run.data.tags.items()
    return {name.removeprefix(CODE): value for name, value in tags if name.startswith(CODE)}


def fraction_tag(profile: str | None, budget: float) -> str:
    """The tag that keeps the fraction which a budget has come to."""
    return f"harness.fraction.{profile or 'none'}.{budget:g}s"


def open_store(address: str) -> MlflowClient:
    """A client of an MLflow store.

    Raises:
        UserError: the store can't be opened.
    """
    # it prints the traceback of every failed write, which is raised as well and told in a sentence
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    mlflow.set_tracking_uri(address)
    try:
        client = MlflowClient(address)
        client.search_experiments(max_results=1)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"cannot open the record {address} ({reason}); name another --tracking-uri.") from error
    return client


def suite_of(address: str, invocation: str) -> str | None:
    """The suite of an invocation, given its id; None if there is no such invocation."""
    try:
        return open_store(address).get_run(invocation).data.tags.get(SUITE)
    except MlflowException:
        return None


def list_invocations(address: str) -> list[dict[str, Any]]:
    """The runs of suites in a store, the newest first."""
    client = open_store(address)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.`{KIND}` = 'suite'", max_results=PAGE) if experiments else []
    return [
        {
            "name": run.data.tags[SUITE],
            "profile": run.data.tags[PROFILE],
            "started": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC").isoformat(timespec="seconds"),
            "status": run.info.status.lower(),
            "run_id": run.info.run_id,
        }
        for run in found
    ]


@dataclass(frozen=True)
class Browsable:
    """A suite's experiment in a store: its name, its id, and the run of its newest report, if there is one."""

    name: str
    experiment: str
    report: str


def suites(address: str) -> list[Browsable]:
    """The suites in a store, the newest first."""
    client = open_store(address)
    found = []
    for experiment in client.search_experiments(order_by=["last_update_time DESC"]):
        if experiment.name != "Default":
            query = f"tags.`{KIND}` = 'suite' and attributes.status != 'RUNNING' and attributes.status != 'KILLED'"
            done = client.search_runs([experiment.experiment_id], query, order_by=["start_time DESC"], max_results=1)
            report = done[0].info.run_id if done else ""
            found.append(Browsable(experiment.name, experiment.experiment_id, report))
    return found
