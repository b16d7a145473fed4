"""Run a suite: plan, check, time, calibrate, train, record, report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console

from harness.analysis.base import ANALYSES
from harness.data import DATASETS, tasks
from harness.elapsed import since_start
from harness.engine.display import Display
from harness.engine.driver import Driver
from harness.engine.listener import Listener
from harness.engine.overhead import Stopwatch, overhead
from harness.engine.workplace import Workplace, workplace
from harness.errors import UserError
from harness.plan.budget import Cost, fit_fraction, seconds_of
from harness.plan.make import make_plan
from harness.plan.order import by_seeds, in_mirrored_rounds, places_of_seeds
from harness.plan.plan import Plan, count
from harness.plan.refine import at_fraction, with_data
from harness.plan.trial import TrainingTrial, Trial
from harness.plugins.foreign_code import foreign_code
from harness.plugins.load import split_by_need, texts_when_loaded
from harness.plugins.source import engine_digest
from harness.record.lock import only_driver
from harness.record.recorder import Recorder
from harness.record.tracking_uri import artifact_folder, make_folder
from harness.record.writer import RunWriter
from harness.report.build import read_tables, report_folder, write_report
from harness.report.tables.rows import Tables
from harness.suite.load import ResolvedSuite
from harness.suite.options import Options
from harness.suite.published import load_published
from harness.text import duration
from harness.worker.context import WorkerContext
from harness.worker.model_size import checkpoint_bytes
from harness.worker.rehearsal import rehearse
from harness.worker.result import Result
from harness.worker.train.checkpoint import Checkpoints, Owner, next_driver
from variants import VARIANTS

REPORT_SECONDS = 15.0  # of a budget, reserved for writing the report
BUDGET_MARGIN = 0.03  # the share of a budget that is not planned


@dataclass(frozen=True)
class Outcome:
    """What a run returns: its tables, the files of its report, and the trials that failed."""

    tables: Tables
    files: list[Path]
    failed: list[Trial]


def run_suite(resolved: ResolvedSuite, options: Options, console: Console) -> Outcome:
    """Run the trials of a suite that are not done, and write its report.

    Raises:
        UserError: a mistake that the user can fix, in most cases before any trial has started.
        KeyboardInterrupt: the user stopped it; the same command resumes it.
    """

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    suite = resolved.suite
    published = load_published(resolved.published_paths())
    plan = make_plan(resolved, options.data)
    wanted = plan.names(options.only)
    rehearse(plan.trials)
    make_folder(options.results)
    with only_driver(options.results, suite.name, say):
        _check_disk(plan, options)
        with workplace(suite.resources, options.cluster, options.plugins, options.serial) as place:
            place.cluster.check(_to_schedule(plan, wanted), str(resolved.path))
            _fetch(plan, options.data, say)
            plan = with_data(plan, options.data)
            record = RunWriter(
                options.tracking_uri, suite.name, artifact_folder(options.tracking_uri, options.results), say
            )
            plan = at_fraction(plan, record.fraction(plan.profile, plan.budget))
            numbers = [each.model_dump(mode="json") for each in published]
            with record.held():
                invocation = record.begin_invocation(plan, numbers, options.command, resolved.text)
                with _closed_if_stopped(record, invocation):
                    owner = next_driver(options.checkpoints_of(suite.name))
                    run = _Run(resolved, options, console, record, invocation, place, owner, wanted)
                    failed = run.work(plan)
                    tables = read_tables(record, resolved.profile, invocation)
                    files = write_report(tables, report_folder(options.results, suite.name, resolved.profile), say)
                    record.keep_verdicts(invocation, ((each.word, each.sentence) for each in tables.verdicts))
                    record.end_invocation(invocation, "FAILED" if failed else "FINISHED", files)
    return Outcome(tables, files, failed)


@contextmanager
def _closed_if_stopped(record: RunWriter, invocation: str) -> Iterator[None]:
    """Mark the invocation as killed when something stops it, if the record can still be written."""
    try:
        yield
    except BaseException:
        with suppress(Exception):
            record.stop_invocation(invocation)
        raise


@dataclass
class _Run:
    resolved: ResolvedSuite
    options: Options
    console: Console
    record: RunWriter
    invocation: str
    place: Workplace
    owner: Owner  # this driver, of its trials' checkpoints
    wanted: frozenset[str]  # names of the trials to run

    @property
    def _checkpoints(self) -> Path:
        return self.options.checkpoints_of(self.resolved.suite.name)

    def work(self, plan: Plan) -> list[Trial]:
        """Run the trials that are not done, timing first; return those that failed."""
        suite, missing = self.resolved.suite, self._missing(plan, announce=True)
        stopwatch = Stopwatch()
        with Display(self.console, len(missing)) as display:
            listeners = [stopwatch, Recorder(self.record), _Cleaner(self._checkpoints), display]
            driver = Driver(listeners, display.say, suite.attempts, suite.deadline)
            # Timing runs first, while the machine is idle; afterwards the rest of a budget is known.
            timing = [each for each in in_mirrored_rounds(plan.timing, Random(self.invocation)) if each.key in missing]
            executor = self.place.executor(self._context, self._homes(plan) if timing else {})
            display.begin_phase(len(timing))
            driver.run(timing, executor)
            calibrated, costs = self._calibrated(plan, display)
            if calibrated is not plan:
                missing = self._missing(calibrated)
            training = [trial for trial in calibrated.training if trial.key in missing]
            display.begin_phase(len(training), is_last=True)
            driver.run(by_seeds(training, calibrated.training, lambda trial: _expected(trial, costs)), executor)
        self.record.keep_overhead(self.invocation, overhead(stopwatch.timestamps))
        return driver.failed

    def _homes(self, plan: Plan) -> dict[int, str]:
        """Return the node that each round was begun on; its remaining trials run there too."""
        rounds = {trial.key: trial.round for trial in plan.timing}
        recorded = self.record.trials()
        known = {number: recorded[key].machine.get("node") for key, number in rounds.items() if key in recorded}
        return {number: node for number, node in known.items() if node is not None}

    def _missing(self, plan: Plan, announce: bool = False) -> set[str]:
        """Return the keys of the wanted trials that are not done.

        Arguments:
            announce: print how many trials there are of each status.
        """
        statuses = self.record.statuses(trial.key for trial in plan.trials if trial.name in self.wanted)
        if announce:
            counts = ", ".join(f"{n} {status}" for status, n in sorted(count(statuses.values()).items()))
            self.console.print(f"{plan.suite}: {len(statuses)} trials: {counts}", highlight=False)
        return {key for key, status in statuses.items() if status != "done"}

    def _context(self, trial: Trial) -> WorkerContext:
        mine, others = plugins_of(trial, self.options.plugins)
        return WorkerContext(
            data=self.options.data,
            checkpoints=self._checkpoints,
            threads=self.place.cluster.threads(trial),
            plugins=tuple(mine),
            fallback_plugins=tuple(others),
            plugin_texts=texts_when_loaded([*mine, *others]),
            engine=engine_digest(),
            checkpoints_id=self.owner.checkpoints_id,
            driver=self.owner.driver,
            algorithms=self.options.algorithms,
            keep_model=trial.kind == "training" and self.resolved.suite.keeps_model(trial.row, trial.task, trial.seed),
        )

    def _calibrated(self, plan: Plan, display: Display) -> tuple[Plan, dict[str, Cost]]:
        """Return the plan at the fraction that the rest of the budget allows, and the measured costs."""
        if plan.fraction is not None or plan.budget is None:
            return plan, {}
        display.say("calibrating the training trials")
        costs = self._measure_costs(plan.training, display)
        # the others fail again when they are run
        known = [trial for trial in plan.training if _cost_key(trial) in costs]
        places = places_of_seeds(plan.training)
        left = plan.budget * (1 - BUDGET_MARGIN) - since_start() - REPORT_SECONDS
        found = [costs[_cost_key(trial)] for trial in known]
        turns = [places[trial.key] for trial in known]
        fraction = fit_fraction([trial.work for trial in known], found, turns, self.place.slots, left)
        self.record.keep_fraction(plan.profile, plan.budget, fraction)
        plan = at_fraction(plan, fraction)
        self.record.keep_plan(self.invocation, plan)
        display.say(f"{duration(left)} left for training: {fraction:.3%} of each protocol")
        return plan, costs

    def _measure_costs(self, trials: list[TrainingTrial], display: Display) -> dict[str, Cost]:
        """Measure the cost of each kind of trial; a kind that fails is printed and left out.

        Raises:
            UserError: all of them fail.
        """
        distinct = list({_cost_key(trial): trial for trial in trials}.values())
        costs = {}
        for trial, cost in zip(distinct, self.place.costs(distinct, self._context, display.say), strict=True):
            if isinstance(cost, Cost):
                costs[_cost_key(trial)] = cost
            else:
                display.say(f"cannot be calibrated: {trial.title} · {trial.task}: {cost.cause}")
        if not costs:
            raise UserError("no training trial could be calibrated for the budget; the lines above say why; fix them.")
        return costs


class _Cleaner(Listener):
    """Removes the checkpoints of trials whose results are recorded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def finished(self, trial: Trial, result: Result) -> str:
        """See `Listener.finished`."""
        Checkpoints(self._folder / trial.key).clear()
        return ""


def plugins_of(trial: Trial, plugins: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Split plugins into those of a trial's variant and dataset (and, for training, all analyses) and the rest."""
    modules = DATASETS.sources(trial.task) + VARIANTS.sources(trial.variant)
    if trial.kind == "training":
        modules += tuple(module for name in ANALYSES.names() for module in ANALYSES.sources(name))
    return split_by_need((path.resolve() for path in plugins), modules)


def _to_schedule(plan: Plan, wanted: frozenset[str]) -> list[Trial]:
    """Return the trials that may be scheduled: the wanted ones and, if a budget is open, all that calibrate it."""
    is_open = plan.fraction is None
    return [each for each in plan.trials if each.name in wanted or (is_open and each.kind == "training")]


def _cost_key(trial: TrainingTrial) -> str:
    """Return what trials of equal cost share: model, data, batch size, shift and numbers of images."""
    work = trial.work
    images = f"{work.protocol.batch_size} {work.protocol.shift} {work.train_images} {work.test_images}"
    return f"{trial.model} {trial.task} {images}"


def _expected(trial: TrainingTrial, costs: dict[str, Cost]) -> float:
    """Return the expected seconds of a trial if it was calibrated, else the number of pixels that it processes."""
    cost, work = costs.get(_cost_key(trial)), trial.work
    iterations = work.iterations or 0
    if cost is None:
        return iterations * work.protocol.batch_size * trial.config["image_size"] ** 2
    return seconds_of(work, cost, iterations)


def _fetch(plan: Plan, data: Path, say: Callable[[str], None]) -> None:
    """Fetch the data of every task, and load those of training once to check them."""
    with foreign_code():  # a plugin's dataset has code of its own
        for task in sorted({trial.task for trial in plan.trials}):
            tasks.fetch(task, data, say)
        for task in sorted({trial.task for trial in plan.training}):
            tasks.load(task, data)


def _check_disk(plan: Plan, options: Options) -> None:
    """Check that the checkpoints of the largest trial fit on the disk.

    Raises:
        UserError: there is too little space.
    """
    trials = {trial.model: trial for trial in plan.training}.values()
    required = 2 * max((checkpoint_bytes(t.variant, t.config) for t in trials), default=0)
    free = shutil.disk_usage(options.results).free
    if free < required:
        raise UserError(
            f"{options.results} has {free / 2**30:.1f} GiB free, and the checkpoints of a trial may take "
            f"{required / 2**30:.1f} GiB; free some space or name another folder with --results."
        )
