"""What is recorded of a suite: its experiment in an MLflow store, read.

A trial is a flat run, found by its key; an invocation of the suite is a run of its own, which holds the plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from mlflow.entities import Run

from harness.errors import UserError
from harness.plan.plan import Plan, with_tests
from harness.record.access import Access, start_order
from harness.record.arrays import Damaged, read_arrays
from harness.record.artifacts import (
    ANALYSES,
    CURVE_FILE,
    PREDICTIONS,
    SAMPLES,
    Answers,
    read_answers,
    read_curve,
    read_numbers,
    read_text,
)
from harness.record.masking import masked
from harness.record.older import FILES, read_older
from harness.record.pages import run_page, served
from harness.record.parameters import Recorded
from harness.record.query import equals
from harness.record.stored import restore

KEY, KIND, SUITE = "harness.key", "harness.kind", "harness.suite"
PROFILE, CAUSE = "harness.profile", "harness.cause"
REPORT = "harness.report"  # the invocation whose artifacts have the report of this one
OVERHEAD = "overhead/"
CODE, COMMAND = "harness.code.", "harness.command"
PLAN_FILE, SUITE_FILE = "plan.json", "suite.yaml"
STATUSES = {"FINISHED": "done", "FAILED": "failed", "RUNNING": "interrupted", "KILLED": "interrupted"}
NO_PROFILE = "none"  # the tag of an invocation without a profile
INVOCATIONS = equals(KIND, "suite")

T = TypeVar("T")


class RunReader(Access):
    """A suite's experiment in an MLflow store, as far as it is there.

    Raises:
        UserError: the store can't be opened.
    """

    def __init__(
        self, tracking_uri: str, suite: str, notify: Callable[[str], None] = lambda _: None, makes: bool = False
    ) -> None:
        super().__init__(tracking_uri, notify, makes)
        self.suite = suite
        found = self.experiment_named(suite)
        if found is not None and found.lifecycle_stage == "deleted":
            raise UserError(f"the experiment '{suite}' was deleted in MLflow; restore it there or rename the suite.")
        self._read: dict[str, Run] = {}  # the runs that `frame` was made of, by trial key
        self._analyses: dict[str, dict[str, Path] | None] = {}  # the files of what was measured, by trial key and name
        self._experiment: str | None = found.experiment_id if found is not None else None

    def statuses(self, keys: Iterable[str]) -> dict[str, str]:
        """done, failed, interrupted or new, by trial key."""
        known = {run.data.tags[KEY]: STATUSES.get(run.info.status, "new") for run in self._trial_runs()}
        return {key: known.get(key, "new") for key in keys}

    def fraction(self, profile: str | None, budget: float | None) -> float | None:
        """The fraction that was calibrated for a budget before, so that all trials of it agree."""
        if self._experiment is None or budget is None:
            return None
        text = self.experiment_tags(self._experiment).get(fraction_tag(profile, budget))
        return float(text) if text is not None else None

    def latest_plan(self, profile: str | None) -> tuple[Plan, list[dict[str, Any]]]:
        """The plan and published numbers of the newest invocation of a profile, or without one if it is None.

        Raises:
            UserError: there is none.
        """
        return self.planned(self.latest_invocation(profile))

    def planned(self, invocation: str) -> tuple[Plan, list[dict[str, Any]]]:
        """The plan and published numbers of an invocation.

        Raises:
            UserError: they are lost, or can't be read.
        """
        run = self._invocation(invocation)
        plan = self._plan(run)
        try:
            published = json.loads(self._text(run, "published.json"))
        except ValueError:
            raise UserError(f"published.json of run {invocation} can't be read; run the suite again.") from None
        return plan, published

    def origin(self, invocation: str) -> tuple[str, str, dict[str, str]]:
        """The command of an invocation, its suite's file (empty if it was not kept), and the facts about its code."""
        run = self._invocation(invocation)
        try:
            suite = self._text(run, SUITE_FILE)
        except UserError:
            suite = ""
        return masked(run.data.tags.get(COMMAND, "")), suite, _code_facts(run)

    def page(self, run: str) -> str:
        """The address of a run in MLflow's user interface; `python -m harness ui` serves that of a file."""
        host = served() if self.tracking_uri.is_local else masked(self.tracking_uri.rstrip("/"))
        return run_page(host, str(self._experiment), run)

    def plan_of(self, invocation: str) -> tuple[Plan, dict[str, str]]:
        """The plan of an invocation, and the facts about the code that made it."""
        run = self._invocation(invocation)
        facts = {f"code {name}": value for name, value in _code_facts(run).items()}
        return self._plan(run), facts

    def latest_invocation(self, profile: str | None, back: int = 0) -> str:
        """The id of the newest invocation of a profile, or without one if it is None.

        Arguments:
            back: how many invocations before the newest.

        Raises:
            UserError: there is none.
        """
        found = self._of_profile(profile)
        if len(found) > back:
            return str(found[back].info.run_id)
        which = "without a profile" if profile is None else f"with the profile '{profile}'"
        of = f"the suite '{self.suite}' {which}"
        if found:
            many = "1 run is" if len(found) == 1 else f"{len(found)} runs are"
            raise UserError(f"of {of} {many} recorded, so ~{back} is none; allowed: up to ~{len(found) - 1}.")
        others = sorted({run.data.tags.get(PROFILE, NO_PROFILE) for run in self._search(INVOCATIONS)})
        if not others and profile is None:
            of = f"the suite '{self.suite}'"
        known = f" (recorded profiles: {', '.join(others)})" if others else ""
        raise UserError(f"nothing is recorded of {of}{known}; run `python -m harness run` first.")

    def overhead(self, profile: str | None) -> dict[str, float]:
        """What the harness itself took in the newest invocation that ran a trial."""
        for run in self._of_profile(profile):
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
        """All recorded trials of a profile, or without one if it is None, the newest first."""
        runs = [run for run in self._trial_runs() if run.data.tags.get(PROFILE) == (profile or NO_PROFILE)]
        return [Recorded(run.data.tags[KEY], run.data.params) for run in sorted(runs, key=start_order, reverse=True)]

    def answers(self, key: str) -> Answers:
        """Predicted and true classes of each test of a trial, (images,) integers; empty if that was not kept."""
        return self._content(key, PREDICTIONS, read_answers) or {}

    def arrays(self, key: str, analysis: str) -> dict[str, np.ndarray]:
        """What an analysis has measured of a trial's model; empty if that was nothing, or was not kept."""
        if key not in self._analyses:
            self._analyses[key] = self._content(key, ANALYSES, _files_in)
        kept = self._analyses[key]
        if kept is None:
            return self._content(key, FILES[analysis], read_older) or {} if analysis in FILES else {}
        name = f"{analysis}.npz"
        return self._content(key, f"{ANALYSES}/{name}", read_arrays, kept[name]) or {} if name in kept else {}

    def curve(self, key: str) -> list[tuple[float, float]]:
        """Epoch and error in training, percent, of each point of a trial's curve; empty if that was not kept."""
        return self._content(key, CURVE_FILE, read_curve) or []

    def samples(self, key: str) -> list[float]:
        """Seconds of each timed iteration of a trial; empty if that was not kept."""
        return (self._content(key, SAMPLES, read_numbers) or {}).get("iteration", [])

    def run_ids(self) -> dict[str, str]:
        """The run id of every recorded trial by its key."""
        return {run.data.tags[KEY]: run.info.run_id for run in self._trial_runs()}

    def _content(self, key: str, name: str, read: Callable[[Path], T], path: Path | None = None) -> T | None:
        """What a file of a trial holds; None if it was not kept, or is damaged, which is told.

        Arguments:
            path: where it is on this machine, if it is known.
        """
        run = self._read.get(key) or self._run_of(key)
        if run is None:
            return None
        try:
            return read(path or self.artifact(run, name))
        except UserError:
            return None
        except Damaged as error:
            self.notify(f"{name} of {run.info.run_name} (run {run.info.run_id}) is damaged and left out: {error}")
            return None

    def _plan(self, run: Run) -> Plan:
        plan = restore(Plan, self._text(run, PLAN_FILE), f"{PLAN_FILE} of run {run.info.run_id}")
        if all(trial.tests for trial in plan.trials if trial.kind == "training"):
            return plan
        return with_tests(plan, {run.data.tags[KEY]: run.data.metrics for run in self._trial_runs()})

    def _text(self, run: Run, name: str) -> str:
        try:
            return read_text(self.artifact(run, name))
        except Damaged as error:
            raise UserError(f"{name} of run {run.info.run_id} can't be read ({error}); run the suite again.") from None

    def _invocation(self, invocation: str) -> Run:
        run = self.run(invocation)
        if run is None:
            raise UserError(
                f"there is no run {invocation} in {self.tracking_uri}; `python -m harness list runs` shows them."
            )
        return run

    def _of_profile(self, profile: str | None) -> list[Run]:
        return self._search(f"{INVOCATIONS} and {equals(PROFILE, profile or NO_PROFILE)}")

    def _run_of(self, key: str) -> Run | None:
        found = self._search(equals(KEY, key))
        return found[0] if found else None

    def _trial_runs(self) -> list[Run]:
        """The newest run of each key."""
        runs = {}
        for run in reversed(self._search(f"tags.`{KIND}` != 'suite'")):
            if KEY in run.data.tags:
                runs[run.data.tags[KEY]] = run
        return list(runs.values())

    def _search(self, query: str) -> list[Run]:
        """All runs that match, the newest first."""
        return self.runs([self._experiment], query) if self._experiment is not None else []


def _files_in(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir()}


def _code_facts(run: Run) -> dict[str, str]:
    tags = run.data.tags.items()
    return {name.removeprefix(CODE): value for name, value in tags if name.startswith(CODE)}


def fraction_tag(profile: str | None, budget: float) -> str:
    """The tag that keeps the fraction which a budget has come to."""
    return f"harness.fraction.{profile or NO_PROFILE}.{budget:g}s"


def suite_of(tracking_uri: str, invocation: str, notify: Callable[[str], None] = lambda _: None) -> str | None:
    """The suite of an invocation, given its id; None if there is no such invocation."""
    run = Access(tracking_uri, notify).run(invocation)
    return run.data.tags.get(SUITE) if run is not None else None


def list_invocations(tracking_uri: str, notify: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """The runs of suites in a store, the newest first."""
    store = Access(tracking_uri, notify)
    found = store.runs([each.experiment_id for each in store.experiments()], INVOCATIONS)
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


def suites(tracking_uri: str) -> list[Browsable]:
    """The suites in a store, the newest first."""
    store = Access(tracking_uri)
    found = []
    for experiment in store.experiments():
        if experiment.name != "Default":
            query = f"{INVOCATIONS} and attributes.status != 'RUNNING' and attributes.status != 'KILLED'"
            done = store.runs([experiment.experiment_id], query)
            report = done[0].data.tags.get(REPORT, done[0].info.run_id) if done else ""
            found.append(Browsable(experiment.name, experiment.experiment_id, report))
    return found
