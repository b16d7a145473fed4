"""Write to and read from MLflow: one experiment a suite, one flat run a trial, found again by its key.

There is one writer, the driver. Trials are flat runs because MLflow shows nested ones collapsed, without charts.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from harness.errors import UserError
from harness.plan import Plan
from harness.provenance import code_version
from harness.record.artifacts import ACTIVITY, PREDICTIONS, local_artifact, save_result, wrong_images
from harness.record.lease import Lease
from harness.record.parameters import Recorded, parameters
from harness.record.patience import patient
from harness.trial import Point, Result, Trial

KEY, KIND, SUITE, INVOCATION = "harness.key", "harness.kind", "harness.suite", "harness.invocation"
PROFILE, FRACTION, CAUSE = "harness.profile", "harness.fraction", "harness.cause"
NOTE = "mlflow.note.content"
WEIGHTS = "harness.weights_sha256"
CURVE = "train/loss"  # which every point of a curve has
OVERHEAD = "overhead/"
CODE = "harness.code."
STATUSES = {"FINISHED": "done", "FAILED": "failed", "RUNNING": "interrupted", "KILLED": "interrupted"}
LARGEST_NOTE = 6000  # characters
PAGE = 1000
POINTS = 50  # of a curve that are written together; MLflow takes 1,000 metrics at a time


class Record:
    """A suite's experiment in an MLflow store.

    Arguments:
        tell: is told when the store does not answer, and when it does again.

    Raises:
        UserError: the store can't be opened.
    """

    def __init__(
        self, address: str, suite: str, artifacts: str | None = None, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.client, self.suite, self.address, self.tell = _open(address), suite, address, tell
        found = self.client.get_experiment_by_name(suite)
        if found is not None and found.lifecycle_stage == "deleted":
            raise UserError(f"the experiment '{suite}' was deleted in MLflow; restore it there or rename the suite.")
        self._artifacts = artifacts
        self._experiment: str | None = found.experiment_id if found is not None else None
        self._runs: dict[str, str] = {}  # run id by trial key
        self._logged: dict[str, int] = {}  # last iteration of the curve by run id
        self._lease: Lease | None = None

    @property
    def experiment(self) -> str:
        """The id of the suite's experiment, which is created when it is first needed."""
        if self._experiment is None:
            try:
                self._experiment = str(self.client.create_experiment(self.suite, self._artifacts))
            except MlflowException:
                found = self.client.get_experiment_by_name(self.suite)
                if found is None:
                    raise
                self._experiment = str(found.experiment_id)  # another driver was quicker
        return self._experiment

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only driver that writes to the experiment.

        Raises:
            UserError: another one does.
        """
        self._lease = Lease(self.client, self.experiment, self.suite)
        try:
            yield
        finally:
            self._lease.release()

    def check(self) -> None:
        """Before a write.

        Raises:
            UserError: another driver has taken over, as this one was not heard of for too long.
        """
        if self._lease is not None and self._lease.is_lost:
            raise UserError(
                f"another driver has taken over the suite '{self.suite}', as this one was silent for too long; what "
                f"is done is kept."
            )

    def forget(self) -> None:
        """Forget what has been written, after a write whose outcome is not known; it is looked up again."""
        self._logged.clear()

    def statuses(self, keys: Iterable[str]) -> dict[str, str]:
        """done, failed, interrupted or new, by trial key."""
        known = {run.data.tags[KEY]: STATUSES.get(run.info.status, "new") for run in self._trial_runs()}
        return {key: known.get(key, "new") for key in keys}

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

    # The fraction of the protocol that a budget has come to

    def fraction(self, profile: str | None, budget: float | None) -> float | None:
        """The fraction that was calibrated for a budget before, so that all trials of it agree."""
        if self._experiment is None or budget is None:
            return None
        tags = self.client.get_experiment(self._experiment).tags
        text = tags.get(_fraction_tag(profile, budget))
        return float(text) if text is not None else None

    @patient
    def keep_fraction(self, profile: str | None, budget: float, fraction: float) -> None:
        """Keep a calibrated fraction for the runs that follow."""
        self.client.set_experiment_tag(self.experiment, _fraction_tag(profile, budget), repr(fraction))

    # An invocation of the suite

    def begin_invocation(self, plan: Plan, published: list[dict[str, Any]], command: str) -> str:
        """Start the run that holds the suite's plan and report; what a dead driver left is marked as such."""
        for run in self._search("attributes.status = 'RUNNING'"):
            self.client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.KILLED))
        run = self.client.create_run(
            self.experiment, tags=self._invocation_tags(plan, command), run_name=f"suite {self.suite}"
        )
        self._log_json(run.info.run_id, "plan.json", plan.model_dump(mode="json"))
        self._log_json(run.info.run_id, "published.json", published)
        return str(run.info.run_id)

    @patient
    def keep_plan(self, invocation: str, plan: Plan) -> None:
        """Replace an invocation's plan, once its fraction is known."""
        self._log_json(invocation, "plan.json", plan.model_dump(mode="json"))
        self.client.set_tag(invocation, FRACTION, repr(plan.fraction))

    @patient
    def keep_overhead(self, invocation: str, overhead: dict[str, float]) -> None:
        """Add what the harness itself took."""
        now = int(time.time() * 1000)
        metrics = [Metric(f"{OVERHEAD}{name}", value, now, 0) for name, value in overhead.items()]
        self.client.log_batch(invocation, metrics=metrics)

    @patient
    def end_invocation(self, invocation: str, status: str, report: Path | None = None) -> None:
        """Close an invocation ("FINISHED", "FAILED" or "KILLED"), with its report where there is one."""
        if report is not None:
            self.client.log_artifacts(invocation, str(report), "report")
            note = (report / "report.md").read_text(encoding="utf-8")
            self.client.set_tag(invocation, NOTE, note[:LARGEST_NOTE])
        self.client.set_terminated(invocation, status)

    def stop_invocation(self, invocation: str) -> None:
        """Close an invocation that something has stopped; there is one try only."""
        self.client.set_terminated(invocation, "KILLED")

    def _invocation_tags(self, plan: Plan, command: str) -> dict[str, str]:
        return {
            KIND: "suite",
            SUITE: self.suite,
            PROFILE: plan.profile or "none",
            FRACTION: repr(plan.fraction),
            "harness.command": command,
            **{CODE + name: value for name, value in code_version().items()},
        }

    def _log_json(self, run: str, name: str, content: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
            self.client.log_artifact(run, str(path))

    # A trial

    @patient
    def begin(self, trial: Trial, plan: Plan, invocation: str) -> None:
        """Start a trial's run, or go on with the one it has."""
        run = self._run_of(trial.key)
        if run is not None and trial.kind == "timing" and run.data.metrics:
            self.client.delete_run(run.info.run_id)  # a timing starts from zero, and its numbers must not mix
            run = None
        if run is not None:
            run_id = str(run.info.run_id)
            self.client.update_run(run_id, status="RUNNING", name=trial.name)
            self.client.set_tag(run_id, INVOCATION, invocation)
        else:
            run_id = self._create(trial, plan, invocation)
        self._describe(run_id, trial, known=run.data.params if run is not None else {})
        self._runs[trial.key] = run_id

    def _create(self, trial: Trial, plan: Plan, invocation: str) -> str:
        tags = {
            KEY: trial.key,
            KIND: "trial" if trial.kind == "training" else "timing",
            SUITE: self.suite,
            INVOCATION: invocation,
            PROFILE: plan.profile or "none",
            "harness.variant": trial.variant,
            "harness.title": trial.title,
            "harness.task": trial.task,
        }
        return str(self.client.create_run(self.experiment, tags=tags, run_name=trial.name).info.run_id)

    def _describe(self, run: str, trial: Trial, known: Mapping[str, str]) -> None:
        """What a trial was given, as far as that is not known; MLflow lets nothing be changed."""
        params = [Param(name, value) for name, value in parameters(trial).items() if name not in known]
        self.client.log_batch(run, params=params)
        dataset = Dataset(name=trial.task, digest=trial.data[:36], source_type="harness", source=trial.task)
        context = InputTag("mlflow.data.context", trial.kind)
        self.client.log_inputs(run, [DatasetInput(dataset, [context])])

    def _run_of(self, key: str) -> Run | None:
        found = self._search(f"tags.`{KEY}` = '{key}'")
        return found[0] if found else None

    def _last_step(self, run: str, metric: str) -> int:
        return max((each.step for each in self.client.get_metric_history(run, metric)), default=-1)

    @patient
    def log(self, trial: Trial, history: tuple[Point, ...]) -> None:
        """Add the points of a curve that the run does not have yet."""
        run = self._runs[trial.key]
        if not history:
            return
        if run not in self._logged:
            self._logged[run] = self._last_step(run, CURVE)
        new = [point for point in history if point.iteration > self._logged[run]]
        now = int(time.time() * 1000)
        for some in (new[start : start + POINTS] for start in range(0, len(new), POINTS)):
            metrics = [
                Metric(name, value, now, point.iteration)
                for point in some
                for name, value in {**point.metrics, "time/epochs": point.epoch}.items()
            ]
            self.client.log_batch(run, metrics=metrics)  # all of it or nothing
            self._logged[run] = some[-1].iteration

    @patient
    def finish(self, trial: Trial, result: Result) -> None:
        """Write a result and close the trial's run."""
        run = self._runs[trial.key]
        self.log(trial, result.history)
        with tempfile.TemporaryDirectory() as folder:
            save_result(result, Path(folder))
            self.client.log_artifacts(run, folder)
        now = int(time.time() * 1000)
        step = trial.training.iterations or 0 if trial.training is not None else 0
        if self._last_step(run, next(iter(result.metrics))) < step:  # not written yet
            summary = [Metric(name, value, now, step) for name, value in result.metrics.items()]
            self.client.log_batch(run, metrics=summary)
        tags = [RunTag(f"machine.{name}", value) for name, value in result.machine.items()]
        self.client.log_batch(run, tags=[*tags, RunTag(WEIGHTS, result.weights)])
        self.client.set_terminated(run, "FINISHED")

    @patient
    def fail(self, trial: Trial, cause: str, details: str) -> None:
        """Close the run of a trial that failed; the whole story goes to its artifacts."""
        run = self._runs[trial.key]
        self.client.set_tag(run, CAUSE, cause[:5000])
        self.client.log_text(run, details, "error.txt")
        self.client.set_terminated(run, "FAILED")

    @patient
    def interrupt(self, trial: Trial) -> None:
        """Close the run of a trial that was lost and can go on."""
        self.stop(trial)

    def stop(self, trial: Trial) -> None:
        """Close the run of a trial that is stopped together with this process; there is one try only."""
        if trial.key in self._runs:
            self.client.set_terminated(self._runs[trial.key], "KILLED")

    # Reading

    def latest_plan(self, profile: str | None) -> tuple[Plan, list[dict[str, Any]]]:
        """The plan and published numbers of the newest invocation, of a profile if one is named.

        Raises:
            UserError: there is none.
        """
        run = self.client.get_run(self.latest_invocation(profile))
        plan, published = (self._text(run, name) for name in ("plan.json", "published.json"))
        return Plan.model_validate_json(plan), json.loads(published)

    def plan_of(self, invocation: str) -> tuple[Plan, dict[str, str]]:
        """The plan of an invocation, and the facts about the code that made it."""
        run = self.client.get_run(invocation)
        facts = {name: value for name, value in run.data.tags.items() if name.startswith(CODE)}
        return Plan.model_validate_json(self._text(run, "plan.json")), {
            f"code {name.removeprefix(CODE)}": value for name, value in facts.items()
        }

    def _text(self, run: Run, name: str) -> str:
        return local_artifact(self.client, run, self.address, name).read_text(encoding="utf-8")

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

    def overhead(self, profile: str | None) -> dict[str, float]:
        """What the harness itself took in the newest invocation that ran a trial."""
        for run in self._search(f"tags.`{KIND}` = 'suite' and tags.`{PROFILE}` = '{profile or 'none'}'"):
            told = {k.removeprefix(OVERHEAD): v for k, v in run.data.metrics.items() if k.startswith(OVERHEAD)}
            if told:
                return told
        return {}

    def frame(self, keys: Iterable[str]) -> pd.DataFrame:
        """One line per recorded trial among `keys`: its key, status, cause, metrics and machine."""
        wanted = set(keys)
        lines = []
        for run in self._trial_runs():
            tags = run.data.tags
            if tags[KEY] in wanted:
                machine = {name: value for name, value in tags.items() if name.startswith("machine.")}
                status = STATUSES.get(run.info.status, "new")
                lines.append(
                    {"key": tags[KEY], "status": status, "cause": tags.get(CAUSE, "")} | machine | run.data.metrics
                )
        return pd.DataFrame(lines, columns=None if lines else ["key", "status", "cause"]).set_index("key")

    def trials(self, profile: str | None) -> list[Recorded]:
        """All recorded trials of a profile, the newest first."""
        wanted = profile or "none"
        runs = [run for run in self._trial_runs() if run.data.tags.get(PROFILE) == wanted]
        runs.sort(key=lambda run: -run.info.start_time)
        return [Recorded(run.data.tags[KEY], run.data.params) for run in runs]

    def wrong(self, key: str) -> dict[str, np.ndarray]:
        """Whether a trial's model got each test image wrong, (images,) bool by test; empty if that was not kept."""
        path = self._file(key, PREDICTIONS)
        return wrong_images(path) if path is not None else {}

    def activity(self, key: str) -> dict[str, list[float]]:
        """The activities of a trial's model (`harness.running.activity`); empty if there are none."""
        path = self._file(key, ACTIVITY)
        return json.loads(path.read_text(encoding="utf-8")) if path is not None else {}

    def _file(self, key: str, name: str) -> Path | None:
        run = self._run_of(key)
        if run is None:
            return None
        try:
            return local_artifact(self.client, run, self.address, name)
        except UserError:
            return None

    def run_ids(self) -> dict[str, str]:
        """The run id of every recorded trial by its key."""
        return {run.data.tags[KEY]: run.info.run_id for run in self._trial_runs()}


def _fraction_tag(profile: str | None, budget: float) -> str:
    return f"harness.fraction.{profile or 'none'}.{budget:g}s"


def _open(address: str) -> MlflowClient:
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
        return _open(address).get_run(invocation).data.tags.get(SUITE)
    except MlflowException:
        return None


def list_invocations(address: str) -> list[dict[str, Any]]:
    """The runs of suites in a store, the newest first."""
    client = _open(address)
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


def experiments(address: str) -> list[str]:
    """The ids of the suites' experiments in a store, the newest first."""
    client = _open(address)
    found = client.search_experiments(order_by=["last_update_time DESC"])
    return [experiment.experiment_id for experiment in found if experiment.name != "Default"]
