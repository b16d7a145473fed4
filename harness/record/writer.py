"""Write to MLflow: an experiment for each suite, a flat run for each trial, found again by the trial's key.

There is one writer, the driver. Runs are flat because MLflow shows nested runs collapsed and without charts.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException

from harness.errors import Rejected, UserError, cause_of
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.provenance import code_version
from harness.record import names
from harness.record.access import start_order
from harness.record.artifacts import save_result
from harness.record.lease import Lease
from harness.record.masking import masked
from harness.record.model import FOLDER, save_model
from harness.record.parameters import parameters
from harness.record.place import bring_home
from harness.record.query import equals
from harness.record.reader import RunReader
from harness.record.retry import retried
from harness.record.stored import store
from harness.text import one_line
from harness.worker.numbers import EPOCHS, TRAIN_LOSS, to_metrics
from harness.worker.result import Point, Result

VERDICTS = ("reproduced", "contradicted", "undecided")
MAX_NOTE_CHARACTERS = 6000
POINTS_PER_BATCH = 50  # of a curve; MLflow takes 1,000 metrics at a time


class RunWriter(RunReader):
    """Writes a suite's experiment in an MLflow store.

    Arguments:
        notify: called with a line when the store stops responding, and when it responds again.

    Raises:
        UserError: the store can't be opened.
    """

    def __init__(
        self,
        tracking_uri: str,
        suite: str,
        artifacts: str | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._artifacts = artifacts
        self._runs: dict[str, str] = {}  # run id by trial key
        self._logged: dict[str, int] = {}  # last iteration of the curve by run id
        self._number: int | None = None  # of the run that was begun last; None if that must be looked up
        self._lease: Lease | None = None
        self._asked: dict[str, Any] = {}  # what decides the report of the newest invocation
        self._current = ""  # its id
        self._profile: str | None = None  # of its plan
        super().__init__(tracking_uri, suite, notify, makes=True)

    @property
    def while_waiting(self) -> str:
        """See `Retrying.while_waiting`."""
        return "trials go on, and their results wait"

    @property
    def experiment(self) -> str:
        """The id of the suite's experiment; it is created on first use."""
        if self._experiment is None:
            try:
                self._experiment = str(self.client.create_experiment(self.suite, self._artifacts))
            except MlflowException:
                found = self.client.get_experiment_by_name(self.suite)
                if found is None:
                    raise
                self._experiment = str(found.experiment_id)  # another driver has just created it
        return self._experiment

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lease on the experiment.

        Raises:
            UserError: another driver holds it.
        """
        lease = Lease(self.client, self._make_experiment(), self.suite, self.notify)
        try:
            self._acquire(lease)
            self._lease = lease
            yield
        finally:
            lease.release()

    @retried
    def _acquire(self, lease: Lease) -> None:
        lease.acquire()

    @retried
    def _make_experiment(self) -> str:
        return self.experiment

    def ensure_lease(self) -> None:
        """See `Retrying.ensure_lease`.

        Raises:
            UserError: another driver has taken over, as this one was not heard of for too long.
        """
        if self._lease is not None and self._lease.is_lost():
            raise UserError(
                f"another driver has taken over the suite '{self.suite}', as this one was silent for too long; what "
                f"is done is kept."
            )

    def invalidate(self) -> None:
        """See `Retrying.invalidate`: what has been written is looked up again."""
        self._logged.clear()
        self._number = None

    @retried
    def keep_fraction(self, profile: str | None, budget: float, fraction: float) -> None:
        """Store a calibrated fraction for later runs."""
        self.client.set_experiment_tag(self.experiment, names.fraction_tag(profile, budget), repr(fraction))

    # An invocation of the suite

    def begin_invocation(self, plan: Plan, published: list[dict[str, Any]], command: str, suite: str = "") -> str:
        """Start the run that holds the suite's plan and report; mark runs that a dead driver left as killed.

        Arguments:
            command: as the user gave it; users, passwords and tokens in it are masked.
            suite: the text of the suite's file.
        """
        tags = self._invocation_tags(plan, masked(command))
        code = {name: value for name, value in tags.items() if name.startswith(names.CODE)}
        self._asked = {"plan": store(plan), "published": published, "suite": suite, "code": code}
        self._clean_up()
        self._profile = plan.profile
        self._current = self._begin_invocation(tags, plan, published, suite)
        return self._current

    @retried
    def _clean_up(self) -> None:
        if self.tracking_uri.is_local and self._artifacts is not None:
            bring_home(self.tracking_uri, self.experiment, self._artifacts)
        for run in self._search("attributes.status = 'RUNNING'"):
            self.client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.KILLED))

    @retried
    def _begin_invocation(self, tags: dict[str, str], plan: Plan, published: list[dict[str, Any]], suite: str) -> str:
        # an earlier attempt may have created it and lost the response
        found = self._search(equals(names.TOKEN, tags[names.TOKEN]))
        run = found[0] if found else self._create_run(tags, f"suite {self.suite}")
        self._log_json(run.info.run_id, names.PLAN_FILE, store(plan))
        self._log_json(run.info.run_id, names.PUBLISHED_FILE, published)
        if suite:
            self.client.log_text(run.info.run_id, suite, names.SUITE_FILE)
        return str(run.info.run_id)

    def _create_run(self, tags: dict[str, str], name: str) -> Run:
        """Create a run with the next number; nobody else numbers runs, as there is one writer."""
        if self._number is None:
            self._number = max((start_order(run)[0] for run in self._search("")), default=0)
        self._number += 1
        return self.client.create_run(
            self.experiment, tags={**tags, names.RUN_NUMBER: str(self._number)}, run_name=name
        )

    @retried
    def keep_plan(self, invocation: str, plan: Plan) -> None:
        """Replace an invocation's plan, once its fraction is known."""
        self._asked["plan"] = store(plan)
        self._log_json(invocation, names.PLAN_FILE, store(plan))
        self.client.set_tag(invocation, names.FRACTION, repr(plan.fraction))

    @retried
    def keep_overhead(self, invocation: str, overhead: dict[str, float]) -> None:
        """Log what the harness itself took, as metrics."""
        now = int(time.time() * 1000)
        metrics = [Metric(f"{names.OVERHEAD}{name}", value, now, 0) for name, value in overhead.items()]
        self.client.log_batch(invocation, metrics=metrics)

    @retried
    def keep_verdicts(self, invocation: str, verdicts: Iterable[tuple[str, str]]) -> None:
        """Log the verdicts on the suite's claims: how many there are of each word, and a tag for each.

        Arguments:
            verdicts: the word and the sentence of each.
        """
        told = list(verdicts)
        if not told:
            return
        words, now = [word for word, _ in told], int(time.time() * 1000)
        counts = [Metric(f"claims/{word}", float(words.count(word)), now, 0) for word in sorted({*words, *VERDICTS})]
        lines = [one_line(f"{word}: {text}")[:MAX_NOTE_CHARACTERS] for word, text in told]
        tags = [RunTag(f"claim.{n:02d}", line) for n, line in enumerate(lines, 1)]
        self.client.log_batch(invocation, metrics=counts, tags=tags)

    def end_invocation(self, invocation: str, status: str, report: Sequence[Path] = ()) -> None:
        """Close an invocation ("FINISHED", "FAILED" or "KILLED"), with its report where there is one.

        Arguments:
            report: the files of the report, the first one at the top of its folder. They are not stored again if an
                earlier invocation has stored the report of the same results.
        """
        lacking = self._unless_rejected("the report", lambda: self._keep_report(invocation, report))
        if lacking:
            self.notify(f"{lacking}; it is in {report[0].parent}")
        self._close(invocation, status)

    @retried
    def _keep_report(self, invocation: str, report: Sequence[Path]) -> None:
        state = self._state()
        holder = self._holder_of(state, invocation) if report else ""
        if holder:
            tags = {
                names.STATE: state,
                names.REPORT: holder,
                names.NOTE: f"Nothing has changed since run {holder}, which has the report.",
            }
            self.client.log_batch(invocation, tags=[RunTag(name, value) for name, value in tags.items()])
            return
        for path in report:
            place = Path("report") / path.parent.relative_to(report[0].parent)
            self.client.log_artifact(invocation, str(path), place.as_posix())
            if path.name == "report.md":
                self.client.set_tag(invocation, names.NOTE, path.read_text(encoding="utf-8")[:MAX_NOTE_CHARACTERS])
        if report:
            tags = {names.STATE: state, names.REPORT: invocation}
            self.client.log_batch(invocation, tags=[RunTag(name, value) for name, value in tags.items()])

    def _state(self) -> str:
        """Return a digest of all that decides a report: plan, suite, code, and the trials with their status."""
        trials = [(run.info.run_id, run.info.status, run.data.tags.get(names.INVOCATION)) for run in self._trial_runs()]
        text = json.dumps([self._asked, sorted(trials)], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _holder_of(self, state: str, invocation: str) -> str:
        """Return the run that holds the newest report, if that is of the same state; else an empty text."""
        mine = self.run(invocation)
        profile = mine.data.tags.get(names.PROFILE, names.NO_PROFILE) if mine is not None else names.NO_PROFILE
        others = self._search(f"{names.INVOCATIONS} and {equals(names.PROFILE, profile)}")
        before = next((run for run in others if names.STATE in run.data.tags and run.info.run_id != invocation), None)
        if before is None or before.data.tags[names.STATE] != state:
            return ""
        holder = str(before.data.tags.get(names.REPORT, ""))
        return holder if holder and self.client.list_artifacts(holder, "report") else ""

    def stop_invocation(self, invocation: str) -> None:
        """Close an invocation that was stopped, without retries."""
        self.client.set_terminated(invocation, "KILLED")

    def _invocation_tags(self, plan: Plan, command: str) -> dict[str, str]:
        return {
            names.KIND: "suite",
            names.SUITE: self.suite,
            names.TOKEN: secrets.token_hex(16),
            names.PROFILE: plan.profile or names.NO_PROFILE,
            names.FRACTION: repr(plan.fraction),
            names.COMMAND: command[:MAX_NOTE_CHARACTERS],
            **{names.CODE + name: value for name, value in code_version().items()},
        }

    def _log_json(self, run: str, name: str, content: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
            self.client.log_artifact(run, str(path))

    # A trial

    @retried
    def begin(self, trial: Trial) -> None:
        """Start a trial's run, or resume the one that it has."""
        run = self._run_of(trial.key)
        if run is not None and trial.kind == "timing" and run.data.metrics:
            self.client.delete_run(
                run.info.run_id
            )  # a timing starts over, and its numbers must not mix with those of before
            run = None
        if run is not None:
            run_id = str(run.info.run_id)
            self.client.update_run(run_id, status="RUNNING", name=trial.name)
            self.client.set_tag(run_id, names.INVOCATION, self._current)
        else:
            run_id = self._create(trial)
        self._describe(run_id, trial, known=run.data.params if run is not None else {})
        self._runs[trial.key] = run_id

    def _create(self, trial: Trial) -> str:
        tags = {
            names.KEY: trial.key,
            names.KIND: names.TRAINING if trial.kind == "training" else names.TIMING,
            names.SUITE: self.suite,
            names.INVOCATION: self._current,
            names.PROFILE: self._profile or names.NO_PROFILE,
            names.VARIANT: trial.variant,
            names.TITLE: trial.title,
            names.TASK: trial.task,
        }
        return str(self._create_run(tags, trial.name).info.run_id)

    def _describe(self, run: str, trial: Trial, known: Mapping[str, str]) -> None:
        """Log the params that are not logged yet, and the dataset; MLflow params are immutable."""
        params = [Param(name, value) for name, value in parameters(trial).items() if name not in known]
        self.client.log_batch(run, params=params)
        dataset = Dataset(name=trial.task, digest=trial.data[:36], source_type="harness", source=trial.task)
        context = InputTag("mlflow.data.context", trial.kind)
        self.client.log_inputs(run, [DatasetInput(dataset, [context])])

    @retried
    def log(self, trial: Trial, history: tuple[Point, ...]) -> None:
        """Log the points of a curve that are not logged yet."""
        run = self._runs[trial.key]
        if not history:
            return
        if run not in self._logged:
            self._logged[run] = self.last_step(run, TRAIN_LOSS)
        new = [point for point in history if point.iteration > self._logged[run]]
        now = int(time.time() * 1000)
        for some in (new[start : start + POINTS_PER_BATCH] for start in range(0, len(new), POINTS_PER_BATCH)):
            metrics = [
                Metric(name, value, now, point.iteration)
                for point in some
                for name, value in {**point.metrics, EPOCHS: point.epoch}.items()
            ]
            self.client.log_batch(run, metrics=metrics)  # atomic
            self._logged[run] = some[-1].iteration

    def finish(self, trial: Trial, result: Result) -> str:
        """Write a result and close the trial's run: first the numbers, then the files, last the model.

        Returns:
            Why the files or the model could not be stored; empty if they were.

        Raises:
            Rejected: the store refuses the numbers.
        """
        run = self._runs[trial.key]
        self._write_numbers(run, trial, result)
        lacking = [self._unless_rejected("its files", lambda: self._write_files(run, result))]
        self._close(run, "FINISHED")
        if result.model:
            lacking.append(self._unless_rejected("its model", lambda: self._write_model(run, trial, result)))
        told = "; ".join(filter(None, lacking))
        if told:
            self._tag(run, names.CAUSE, told[:MAX_NOTE_CHARACTERS])
        return told

    def _unless_rejected(self, what: str, write: Callable[[], None]) -> str:
        try:
            write()
        except Rejected as error:
            return f"{what} could not be kept: {error}"
        except UserError:
            raise
        except Exception as error:
            return f"{what} could not be kept: {cause_of(error)}"
        return ""

    @retried
    def _write_numbers(self, run: str, trial: Trial, result: Result) -> None:
        self.log(trial, result.history)
        now = int(time.time() * 1000)
        step = (trial.work.iterations or 0) if trial.kind == "training" else 0
        metrics = to_metrics(result.numbers)
        if self.last_step(run, next(iter(metrics))) < step:  # not written yet
            summary = [Metric(name, value, now, step) for name, value in metrics.items()]
            self.client.log_batch(run, metrics=summary)
        tags = {f"{names.MACHINE}{name}": value for name, value in result.machine.items()}
        tags |= {names.WEIGHTS: result.weights} if result.weights else {}
        self.client.log_batch(run, tags=[RunTag(name, value) for name, value in tags.items()])

    @retried
    def _write_files(self, run: str, result: Result) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save_result(result, Path(folder))
            self.client.log_artifacts(run, folder)

    @retried
    def _write_model(self, run: str, trial: Trial, result: Result) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save_model(trial, result.model, Path(folder) / FOLDER)
            self.client.log_artifacts(run, folder)

    @retried
    def _close(self, run: str, status: str) -> None:
        self.client.set_terminated(run, status)

    @retried
    def _tag(self, run: str, name: str, value: str) -> None:
        self.client.set_tag(run, name, value)

    @retried
    def fail(self, trial: Trial, cause: str, details: str) -> None:
        """Close the run of a trial that failed, if it has one; the details go to its artifacts."""
        run = self._runs.get(trial.key)
        if run is None:
            return
        self.client.set_tag(run, names.CAUSE, cause[:5000])
        self.client.set_terminated(run, "FAILED")
        self.client.log_text(run, details, "error.txt")

    @retried
    def interrupt(self, trial: Trial) -> None:
        """Close the run of a trial that was lost and can be resumed."""
        self.stop(trial)

    def stop(self, trial: Trial) -> None:
        """Close the run of a trial that is stopped together with this process, without retries."""
        if trial.key in self._runs:
            self.client.set_terminated(self._runs[trial.key], "KILLED")
