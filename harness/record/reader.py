"""Read what is recorded of a suite: its experiment in an MLflow store.

A trial is a flat run, found by its key; an invocation of the suite is a run of its own, which holds the plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from mlflow.entities import Run

from harness.errors import UserError
from harness.plan.plan import Plan, with_tests
from harness.record import names
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

STATUSES: dict[str, Status] = {
    "FINISHED": "done",
    "FAILED": "failed",
    "RUNNING": "interrupted",
    "KILLED": "interrupted",
}
T = TypeVar("T")


class RunReader(Access):
    """Reads a suite's experiment in an MLflow store, which may not exist yet.

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
        known = {run.data.tags[names.KEY]: STATUSES.get(run.info.status, "new") for run in self._trial_runs()}
        return {key: known.get(key, "new") for key in keys}

    def fraction(self, profile: str | None, budget: float | None) -> float | None:
        """Return the fraction that an earlier run calibrated for a budget; None if there is none."""
        if self._experiment is None or budget is None:
            return None
        text = self.experiment_tags(self._experiment).get(names.fraction_tag(profile, budget))
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
            command=masked(run.data.tags.get(names.COMMAND, "")),
            suite_file=self._suite_file(run),
            code=_without(names.CODE, run.data.tags),
            overhead=self._overhead(run.data.tags.get(names.PROFILE, names.NO_PROFILE)),
        )

    def page(self, run: str) -> str:
        """Return the URL of a run's page in MLflow; of a local record, as `python -m harness ui` serves it."""
        host = served() if self.tracking_uri.is_local else masked(self.tracking_uri.rstrip("/"))
        return run_page(host, str(self._experiment), run)

    def latest_invocation(self, profile: str | None, back: int = 0) -> str:
        """Return the run id of the newest invocation of a profile; `None` means those without a profile.

        Arguments:
            back: how many invocations before the newest one.

        Raises:
            UserError: there is none.
        """
        found = self._of_profile(profile or names.NO_PROFILE)
        if len(found) > back:
            return str(found[back].info.run_id)
        which = "without a profile" if profile is None else f"with the profile '{profile}'"
        of = f"the suite '{self.suite}' {which}"
        if found:
            many = "1 run is" if len(found) == 1 else f"{len(found)} runs are"
            raise UserError(f"of {of} {many} recorded, so ~{back} is none; allowed: up to ~{len(found) - 1}.")
        others = sorted({run.data.tags.get(names.PROFILE, names.NO_PROFILE) for run in self._search(names.INVOCATIONS)})
        if not others and profile is None:
            of = f"the suite '{self.suite}'"
        known = f" (recorded profiles: {', '.join(others)})" if others else ""
        raise UserError(f"nothing is recorded of {of}{known}; run `python -m harness run` first.")

    def trials(self) -> dict[str, RecordedTrial]:
        """Return the newest run of each trial, by the trial's key, the newest first."""
        return {run.data.tags[names.KEY]: self._recorded(run) for run in self._trial_runs()}

    def _recorded(self, run: Run) -> RecordedTrial:
        tags = run.data.tags
        known: dict[str, Any] = {
            "key": tags[names.KEY],
            "status": STATUSES.get(run.info.status, "new"),
            "cause": tags.get(names.CAUSE, ""),
            "name": run.info.run_name,
            "run_id": run.info.run_id,
            "profile": None if tags.get(names.PROFILE) == names.NO_PROFILE else tags.get(names.PROFILE, ""),
            "parameters": run.data.params,
            "machine": _without(names.MACHINE, tags),
            "artifact": partial(self.artifact, run),
            "notify": lambda line: self.notify(line),
        }
        if tags[names.KIND] == names.TIMING:
            return RecordedTiming(**known, numbers=timing_numbers(run.data.metrics))
        return RecordedTraining(**known, numbers=training_numbers(run.data.metrics))

    def _plan(self, run: Run) -> Plan:
        plan = restore(Plan, self._text(run, names.PLAN_FILE), f"{names.PLAN_FILE} of run {run.info.run_id}")
        if all(trial.tests for trial in plan.trials if trial.kind == "training"):
            return plan
        trained = [trial for trial in self.trials().values() if isinstance(trial, RecordedTraining)]
        return with_tests(plan, {trial.key: trial.numbers.tests for trial in trained})

    def _published(self, run: Run) -> list[Published]:
        text = self._text(run, names.PUBLISHED_FILE)
        try:
            return [restore(Published, json.dumps(each), names.PUBLISHED_FILE) for each in json.loads(text)]
        except (ValueError, TypeError):
            raise UserError(
                f"{names.PUBLISHED_FILE} of run {run.info.run_id} can't be read; run the suite again."
            ) from None

    def _suite_file(self, run: Run) -> str:
        try:
            return self._text(run, names.SUITE_FILE)
        except UserError:
            return ""

    def _overhead(self, profile: str) -> dict[str, float]:
        """Return the overhead of the newest invocation of a profile that ran a trial."""
        found = (_without(names.OVERHEAD, run.data.metrics) for run in self._of_profile(profile))
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
        return self._search(f"{names.INVOCATIONS} and {equals(names.PROFILE, profile)}")

    def _run_of(self, key: str) -> Run | None:
        found = self._search(equals(names.KEY, key))
        return found[0] if found else None

    def _trial_runs(self) -> list[Run]:
        """Return the newest run of each trial, the newest first."""
        runs: dict[str, Run] = {}
        for run in self._search(f"tags.`{names.KIND}` != 'suite'"):
            if names.KEY in run.data.tags:
                runs.setdefault(run.data.tags[names.KEY], run)
        return list(runs.values())

    def _search(self, query: str) -> list[Run]:
        """Return all runs that match a query, the newest first."""
        return self.runs([self._experiment], query) if self._experiment is not None else []


def _without(prefix: str, named: Mapping[str, T]) -> dict[str, T]:
    """Return the values whose names begin with a prefix, by the rest of the name."""
    return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}
