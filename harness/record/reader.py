"""What is recorded of a suite: its experiment in an MLflow store, read.

A trial is a flat run, found by its key; an invocation of the suite is a run of its own, which holds the plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pandas as pd
from mlflow.entities import Run

from harness.errors import UserError
from harness.plan.plan import Plan, with_tests
from harness.record.access import Access
from harness.record.arrays import Damaged
from harness.record.artifacts import read_text
from harness.record.invocation import Invocation
from harness.record.masking import masked
from harness.record.pages import run_page, served
from harness.record.query import equals
from harness.record.recorded import RecordedTiming, RecordedTraining, RecordedTrial, Status
from harness.record.stored import restore
from harness.suite.published import Published
from harness.worker.numbers import timing_numbers, training_numbers

KEY, KIND, SUITE = "harness.key", "harness.kind", "harness.suite"
PROFILE, CAUSE = "harness.profile", "harness.cause"
REPORT = "harness.report"  # the invocation whose artifacts have the report of this one
OVERHEAD = "overhead/"
CODE, COMMAND = "harness.code.", "harness.command"
PLAN_FILE, PUBLISHED_FILE, SUITE_FILE = "plan.json", "published.json", "suite.yaml"
MACHINE = "machine."
TRAINING, TIMING = "trial", "timing"  # the kinds of the runs of trials
STATUSES: dict[str, Status] = {
    "FINISHED": "done",
    "FAILED": "failed",
    "RUNNING": "interrupted",
    "KILLED": "interrupted",
}
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
        self._experiment: str | None = found.experiment_id if found is not None else None

    def statuses(self, keys: Iterable[str]) -> dict[str, Status]:
        """Return the status of trials by key; "new" if a trial is not recorded."""
        known = {run.data.tags[KEY]: STATUSES.get(run.info.status, "new") for run in self._trial_runs()}
        return {key: known.get(key, "new") for key in keys}

    def fraction(self, profile: str | None, budget: float | None) -> float | None:
        """The fraction that was calibrated for a budget before, so that all trials of it agree."""
        if self._experiment is None or budget is None:
            return None
        text = self.experiment_tags(self._experiment).get(fraction_tag(profile, budget))
        return float(text) if text is not None else None

    def invocation(self, run_id: str) -> Invocation:
        """Read an invocation.

        Raises:
            UserError: there is none with this id, or its plan or published numbers are lost or can't be read.
        """
        run = self._invocation(run_id)
        return Invocation(
            run_id=run_id,
            plan=self._plan(run),
            published=self._published(run),
            command=masked(run.data.tags.get(COMMAND, "")),
            suite_file=self._suite_file(run),
            code=_without(CODE, run.data.tags),
            overhead=self._overhead(run.data.tags.get(PROFILE, NO_PROFILE)),
        )

    def page(self, run: str) -> str:
        """The address of a run in MLflow's user interface; `python -m harness ui` serves that of a file."""
        host = served() if self.tracking_uri.is_local else masked(self.tracking_uri.rstrip("/"))
        return run_page(host, str(self._experiment), run)

    def latest_invocation(self, profile: str | None, back: int = 0) -> str:
        """The id of the newest invocation of a profile, or without one if it is None.

        Arguments:
            back: how many invocations before the newest.

        Raises:
            UserError: there is none.
        """
        found = self._of_profile(profile or NO_PROFILE)
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

    def trials(self) -> dict[str, RecordedTrial]:
        """Return the newest run of each trial, by the trial's key, the newest first."""
        return {run.data.tags[KEY]: self._recorded(run) for run in self._trial_runs()}

    def _recorded(self, run: Run) -> RecordedTrial:
        tags = run.data.tags
        known: dict[str, Any] = {
            "key": tags[KEY],
            "status": STATUSES.get(run.info.status, "new"),
            "cause": tags.get(CAUSE, ""),
            "name": run.info.run_name,
            "run_id": run.info.run_id,
            "profile": None if tags.get(PROFILE) == NO_PROFILE else tags.get(PROFILE, ""),
            "parameters": run.data.params,
            "machine": _without(MACHINE, tags),
            "artifact": partial(self.artifact, run),
            "notify": lambda line: self.notify(line),
        }
        if tags[KIND] == TIMING:
            return RecordedTiming(**known, numbers=timing_numbers(run.data.metrics))
        return RecordedTraining(**known, numbers=training_numbers(run.data.metrics))

    def _plan(self, run: Run) -> Plan:
        plan = restore(Plan, self._text(run, PLAN_FILE), f"{PLAN_FILE} of run {run.info.run_id}")
        if all(trial.tests for trial in plan.trials if trial.kind == "training"):
            return plan
        trained = [trial for trial in self.trials().values() if isinstance(trial, RecordedTraining)]
        return with_tests(plan, {trial.key: trial.numbers.tests for trial in trained})

    def _published(self, run: Run) -> list[Published]:
        text = self._text(run, PUBLISHED_FILE)
        try:
            return [restore(Published, json.dumps(each), PUBLISHED_FILE) for each in json.loads(text)]
        except (ValueError, TypeError):
            raise UserError(f"{PUBLISHED_FILE} of run {run.info.run_id} can't be read; run the suite again.") from None

    def _suite_file(self, run: Run) -> str:
        try:
            return self._text(run, SUITE_FILE)
        except UserError:
            return ""

    def _overhead(self, profile: str) -> dict[str, float]:
        """The overhead of the newest invocation of a profile that ran a trial."""
        found = (_without(OVERHEAD, run.data.metrics) for run in self._of_profile(profile))
        return next(filter(None, found), {})

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

    def _of_profile(self, profile: str) -> list[Run]:
        return self._search(f"{INVOCATIONS} and {equals(PROFILE, profile)}")

    def _run_of(self, key: str) -> Run | None:
        found = self._search(equals(KEY, key))
        return found[0] if found else None

    def _trial_runs(self) -> list[Run]:
        """The newest run of each trial, the newest first."""
        runs: dict[str, Run] = {}
        for run in self._search(f"tags.`{KIND}` != 'suite'"):
            if KEY in run.data.tags:
                runs.setdefault(run.data.tags[KEY], run)
        return list(runs.values())

    def _search(self, query: str) -> list[Run]:
        """All runs that match, the newest first."""
        return self.runs([self._experiment], query) if self._experiment is not None else []


def _without(prefix: str, named: Mapping[str, T]) -> dict[str, T]:
    """What has names that begin so, by the rest of its name."""
    return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}


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
