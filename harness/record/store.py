"""Write to and read from MLflow: one experiment a suite, one flat run a trial, found again by its key.

There is one writer, the driver. Trials are flat runs because MLflow shows nested ones collapsed, without charts.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from harness.data import DATASETS
from harness.errors import UserError
from harness.plan import Plan
from harness.record.artifacts import local_artifact, save_result
from harness.trial import Point, Result, Trial

KEY, KIND, SUITE, INVOCATION = "harness.key", "harness.kind", "harness.suite", "harness.invocation"
PROFILE, FRACTION, CAUSE = "harness.profile", "harness.fraction", "harness.cause"
NOTE = "mlflow.note.content"
OVERHEAD = "overhead/"
STATUSES = {"FINISHED": "done", "FAILED": "failed", "RUNNING": "interrupted", "KILLED": "interrupted"}
LARGEST_PARAM = 6000
PAGE = 1000


class Record:
    """A suite's experiment in an MLflow store.

    Raises:
        UserError: the store can't be opened.
    """

    def __init__(self, address: str, suite: str, artifacts: str | None = None) -> None:
        self.client, self.suite, self.address = _open(address), suite, address
        found = self.client.get_experiment_by_name(suite)
        if found is not None and found.lifecycle_stage == "deleted":
            raise UserError(f"the experiment '{suite}' was deleted in MLflow; restore it there or rename the suite.")
        self._artifacts = artifacts
        self._experiment: str | None = found.experiment_id if found is not None else None
        self._runs: dict[str, str] = {}  # run id by trial key
        self._logged: dict[str, int] = {}  # last iteration of the curve by run id

    @property
    def experiment(self) -> str:
        """The id of the suite's experiment, which is created when it is first needed."""
        if self._experiment is None:
            self._experiment = self.client.create_experiment(self.suite, self._artifacts)
        return self._experiment

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

    def keep_plan(self, invocation: str, plan: Plan) -> None:
        """Replace an invocation's plan, once its fraction is known."""
        self._log_json(invocation, "plan.json", plan.model_dump(mode="json"))
        self.client.set_tag(invocation, FRACTION, repr(plan.fraction))

    def keep_overhead(self, invocation: str, overhead: dict[str, float]) -> None:
        """Add what the harness itself took."""
        now = int(time.time() * 1000)
        self._log_metrics(invocation, [Metric(f"{OVERHEAD}{name}", value, now, 0) for name, value in overhead.items()])

    def end_invocation(self, invocation: str, status: str, report: Path | None = None) -> None:
        """Close an invocation ("FINISHED", "FAILED" or "KILLED"), with its report where there is one."""
        if report is not None:
            self.client.log_artifacts(invocation, str(report), "report")
            note = (report / "report.md").read_text(encoding="utf-8")
            self.client.set_tag(invocation, NOTE, note[:LARGEST_PARAM])
        self.client.set_terminated(invocation, status)

    def _invocation_tags(self, plan: Plan, command: str) -> dict[str, str]:
        return {
            KIND: "suite",
            SUITE: self.suite,
            PROFILE: plan.profile or "none",
            FRACTION: repr(plan.fraction),
            "harness.command": command,
        }

    def _log_json(self, run: str, name: str, content: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
            self.client.log_artifact(run, str(path))

    # A trial

    def begin(self, trial: Trial, plan: Plan, invocation: str, data: Path) -> None:
        """Start a trial's run, or go on with the one it has."""
        run = self._run_of(trial.key)
        if run is not None:
            run_id = run.info.run_id
            self.client.update_run(run_id, status="RUNNING", name=trial.name)
            self.client.set_tag(run_id, INVOCATION, invocation)
            self._logged[run_id] = self._last_iteration(run_id)
        else:
            run_id = self._create(trial, plan, invocation, data)
        self._runs[trial.key] = run_id

    def _create(self, trial: Trial, plan: Plan, invocation: str, data: Path) -> str:
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
        run = self.client.create_run(self.experiment, tags=tags, run_name=trial.name)
        params = [Param(key, str(value)[:LARGEST_PARAM]) for key, value in parameters(trial).items()]
        self.client.log_batch(run.info.run_id, params=params)
        dataset = Dataset(
            name=trial.task,
            digest=DATASETS.get(trial.task)().digest(data)[:36],
            source_type="harness",
            source=trial.task,
        )
        context = InputTag("mlflow.data.context", trial.kind)
        self.client.log_inputs(run.info.run_id, [DatasetInput(dataset, [context])])
        return str(run.info.run_id)

    def _run_of(self, key: str) -> Run | None:
        found = self._search(f"tags.`{KEY}` = '{key}'")
        return found[0] if found else None

    def _last_iteration(self, run: str) -> int:
        try:
            history = self.client.get_metric_history(run, "train/loss")
        except MlflowException:
            return 0
        return max((metric.step for metric in history), default=0)

    def log(self, trial: Trial, history: tuple[Point, ...]) -> None:
        """Add the points of a curve that the run does not have yet."""
        run = self._runs[trial.key]
        new = [point for point in history if point.iteration > self._logged.get(run, 0)]
        if not new:
            return
        now = int(time.time() * 1000)
        metrics = [
            Metric(name, value, now, point.iteration)
            for point in new
            for name, value in {**point.metrics, "time/epochs": point.epoch}.items()
        ]
        self._log_metrics(run, metrics)
        self._logged[run] = new[-1].iteration

    def _log_metrics(self, run: str, metrics: list[Metric]) -> None:
        for start in range(0, len(metrics), PAGE):
            self.client.log_batch(run, metrics=metrics[start : start + PAGE])

    def finish(self, trial: Trial, result: Result) -> None:
        """Write a result and close the trial's run."""
        run = self._runs[trial.key]
        self.log(trial, result.history)
        with tempfile.TemporaryDirectory() as folder:
            save_result(result, Path(folder))
            self.client.log_artifacts(run, folder)
        now = int(time.time() * 1000)
        step = trial.training.iterations or 0 if trial.training is not None else 0
        self._log_metrics(run, [Metric(name, value, now, step) for name, value in result.metrics.items()])
        tags = [RunTag(f"machine.{name}", value) for name, value in result.machine.items()]
        self.client.log_batch(run, tags=tags)
        self.client.set_terminated(run, "FINISHED")

    def fail(self, trial: Trial, cause: str, details: str) -> None:
        """Close the run of a trial that failed; the whole story goes to its artifacts."""
        run = self._runs[trial.key]
        self.client.set_tag(run, CAUSE, cause[:5000])
        self.client.log_text(run, details, "error.txt")
        self.client.set_terminated(run, "FAILED")

    def interrupt(self, trial: Trial) -> None:
        """Close the run of a trial that was stopped and can go on."""
        if trial.key in self._runs:
            self.client.set_terminated(self._runs[trial.key], "KILLED")

    # Reading

    def latest_plan(self, profile: str | None) -> tuple[Plan, list[dict[str, Any]]]:
        """The plan and published numbers of the newest invocation, of a profile if one is named.

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
        run = found[0]
        plan = Plan.model_validate_json(local_artifact(self.client, run, self.address, "plan.json"))
        published = json.loads(local_artifact(self.client, run, self.address, "published.json"))
        return plan, published

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

    def run_ids(self) -> dict[str, str]:
        """The run id of every recorded trial by its key."""
        return {run.data.tags[KEY]: run.info.run_id for run in self._trial_runs()}


def parameters(trial: Trial) -> dict[str, Any]:
    """What a trial was given, flat, as it can be filtered and grouped in MLflow."""
    flat: dict[str, Any] = {"variant": trial.variant, "label": trial.label, "task": trial.task}
    flat["seed" if trial.kind == "training" else "round"] = trial.seed
    flat |= {f"config.{name}": value for name, value in trial.config.items()}
    if trial.training is not None:
        work = trial.training
        flat |= {f"protocol.{name}": value for name, value in _flat(work.protocol.model_dump()).items()}
        flat |= {
            "iterations": work.iterations,
            "fraction": work.fraction,
            "train_images": work.train_images,
            "test_images": work.test_images or "all",
        }
    if trial.timing is not None:
        flat |= {f"timing.{name}": value for name, value in trial.timing.protocol.model_dump().items()}
    return flat


def _flat(nested: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        flat |= {f"{name}.{n}": v for n, v in _flat(value).items()} if isinstance(value, dict) else {name: value}
    return flat


def _fraction_tag(profile: str | None, budget: float) -> str:
    return f"harness.fraction.{profile or 'none'}.{budget:g}s"


def _open(address: str) -> MlflowClient:
    mlflow.set_tracking_uri(address)
    try:
        client = MlflowClient(address)
        client.search_experiments(max_results=1)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"cannot open the record {address} ({reason}); name another --tracking-uri.") from error
    return client


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
