"""Run a suite: plan, check, time, calibrate, train, record, report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console

from harness.analysis.base import ANALYSES
from harness.data import DATASETS, check
from harness.elapsed import since_start
from harness.engine.cluster import Node, check_requests, cluster, slots, threads_of, uses_gpu
from harness.engine.display import Display, clock
from harness.engine.driver import Driver
from harness.engine.events import Executor
from harness.engine.overhead import overhead
from harness.engine.serial import SerialExecutor, estimate_here
from harness.errors import UserError
from harness.plan.budget import Cost, fit_fraction, seconds_of
from harness.plan.make import make_plan
from harness.plan.order import by_seeds, in_mirrored_rounds, places_of_seeds
from harness.plan.plan import Plan, count
from harness.plan.trial import Trial
from harness.plugins.isolation import foreign_code
from harness.plugins.load import needed, texts_of
from harness.plugins.source import engine_digest
from harness.record.address import artifact_folder, make_folder
from harness.record.lock import only_driver
from harness.record.store import Record
from harness.report.build import read_tables, report_folder, write_report
from harness.report.rows import Tables
from harness.suite.options import Options
from harness.suite.published import load_published
from harness.suite.schema import Chosen
from harness.worker.context import Context
from harness.worker.forkserver import Broken
from harness.worker.model_size import checkpoint_bytes
from harness.worker.rehearsal import rehearse
from harness.worker.train.checkpoint import Checkpoints, Claim, next_driver
from variants import VARIANTS

REPORTING = 15.0  # seconds kept for the report at the end of a budget
NODE = "machine.node"  # of the record's frame
SAFETY = 0.03  # share of a budget that stays unplanned


@dataclass(frozen=True)
class Outcome:
    """What a run has come to."""

    tables: Tables
    files: list[Path]
    failed: list[Trial]


def run_suite(chosen: Chosen, options: Options, console: Console) -> Outcome:
    """Run what is missing of a suite and write its report.

    Raises:
        UserError: something the user can mend, before anything is run.
        KeyboardInterrupt: the user stopped it; running the same command again goes on.
    """
    suite = chosen.suite

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    published = load_published(chosen.published_paths())
    plan = make_plan(chosen, options.data)
    if options.only is not None:
        plan.only(options.only)
    rehearse(plan.trials)
    make_folder(options.results)
    with only_driver(options.results, suite.name, say):
        _check_disk(plan, options)
        with _workplace(plan, chosen, options) as (offers, executor_for):
            with foreign_code():  # a plugin's dataset has code of its own
                _fetch(plan, options.data, console)
            record = Record(options.address, suite.name, artifact_folder(options.address, options.results), say)
            # Made again: what was fetched decides the digest of the data, and with it the keys.
            plan = make_plan(chosen, options.data, record.fraction(plan.profile, plan.budget))
            numbers = [each.model_dump(mode="json") for each in published]
            with record.held():
                invocation = record.begin_invocation(plan, numbers, options.command, chosen.text)
                claim = next_driver(options.checkpoints_of(suite.name))
                run = _Run(chosen, options, console, record, invocation, offers, executor_for, claim)
                with _closed_if_stopped(record, invocation):
                    plan, failed = run.work(plan)
                    tables = read_tables(record, chosen.profile, invocation)
                    files = write_report(tables, report_folder(options.results, suite.name, chosen.profile), say)
                    record.keep_verdicts(invocation, ((each.word, each.sentence) for each in tables.verdicts))
                    record.end_invocation(invocation, "FAILED" if failed else "FINISHED", files)
    return Outcome(tables, files, failed)


@contextmanager
def _closed_if_stopped(record: Record, invocation: str) -> Iterator[None]:
    """Mark the invocation as killed when something stops it, if the record can still be written."""
    try:
        yield
    except BaseException:
        with suppress(Exception):
            record.stop_invocation(invocation)
        raise


ExecutorFor = Callable[[Callable[[Trial], Context], Driver, Mapping[int, str]], Executor]


def _serial(context_of: Callable[[Trial], Context], driver: Driver, _: Mapping[int, str]) -> Executor:
    return SerialExecutor(context_of, driver.handle)


@contextmanager
def _workplace(plan: Plan, chosen: Chosen, options: Options) -> Iterator[tuple[list[Node], ExecutorFor]]:
    """Where trials run: this process, an embedded Ray, or a cluster."""
    resources = chosen.suite.resources
    if options.serial:
        yield [Node(cpus=float("inf"), gpus=0, share=1)], _serial
        return
    with cluster(options.cluster, list(options.plugins)) as offers:
        check_requests(plan.trials, resources, offers, str(options.path))
        from harness.engine.remote import RayExecutor

        yield offers, lambda context, _, homes: RayExecutor(context, resources, offers, homes)


@dataclass
class _Run:
    chosen: Chosen
    options: Options
    console: Console
    record: Record
    invocation: str
    offers: list[Node]
    executor_for: ExecutorFor
    claim: Claim  # this driver's on its trials

    @property
    def _checkpoints(self) -> Path:
        return self.options.checkpoints_of(self.chosen.suite.name)

    def work(self, plan: Plan) -> tuple[Plan, list[Trial]]:
        """Run all that is missing; the final plan and the trials that failed."""
        todo = self._missing(plan)
        with Display(self.console, len(todo)) as display:
            driver = Driver(
                self.record,
                display,
                lambda trial: self.record.begin(trial, plan, self.invocation),
                lambda trial: Checkpoints(self._checkpoints / trial.key).clear(),
                self.chosen.suite.attempts,
                self.chosen.suite.deadline,
            )
            executor = self.executor_for(self._context, driver, self._homes(plan))
            # Timing goes first: then the machine is quiet, and what is left of a budget is known.
            timing = self._timing(plan, {trial.key for trial in todo})
            driver.run(timing, executor)
            plan, costs = self._calibrated(plan, display)
            training = [t for t in self._missing(plan, announce=False) if t.kind == "training"]
            driver.run(by_seeds(training, plan.trials, lambda trial: _expected(trial, costs)), executor)
        self.record.keep_overhead(self.invocation, overhead(driver.moments))
        return plan, driver.failed

    def _timing(self, plan: Plan, todo: set[str]) -> list[Trial]:
        """The timing trials that are to run, in an order that the id of the invocation alone decides."""
        timed = [trial for trial in plan.trials if trial.kind == "timing"]
        return [trial for trial in in_mirrored_rounds(timed, Random(self.invocation)) if trial.key in todo]

    def _homes(self, plan: Plan) -> dict[int, str]:
        """The node that each block was timed on, as far as it was; the rest of it belongs there too."""
        blocks = {trial.key: trial.seed for trial in plan.trials if trial.kind == "timing"}
        frame = self.record.frame(blocks)
        known = frame[NODE].dropna().items() if NODE in frame else ()
        return {blocks[str(key)]: str(node) for key, node in known}

    def _missing(self, plan: Plan, announce: bool = True) -> list[Trial]:
        selected = plan.only(self.options.only).trials if self.options.only else plan.trials
        statuses = self.record.statuses(trial.key for trial in selected)
        if announce:
            counts = ", ".join(f"{n} {status}" for status, n in sorted(count(statuses.values()).items()))
            self.console.print(f"{plan.suite}: {len(selected)} trials: {counts}", highlight=False)
        return [trial for trial in selected if statuses[trial.key] != "done"]

    def _context(self, trial: Trial) -> Context:
        resources = self.chosen.suite.resources
        on_gpu = not self.options.serial and uses_gpu(resources, self.offers)
        mine, others = plugins_of(trial, self.options.plugins)
        return Context(
            data=self.options.data,
            checkpoints=self._checkpoints,
            threads=threads_of(trial, resources, on_gpu),
            plugins=tuple(mine),
            others=tuple(others),
            texts=texts_of([*mine, *others]),
            engine=engine_digest(),
            line=self.claim.line,
            driver=self.claim.driver,
            algorithms=self.options.algorithms,
            keep_model=trial.kind == "training" and self.chosen.suite.keeps_model(trial.row, trial.task, trial.seed),
        )

    def _calibrated(self, plan: Plan, display: Display) -> tuple[Plan, dict[str, Cost]]:
        """The plan with the fraction that the rest of the budget allows, where it is not known yet."""
        if plan.fraction is not None or plan.budget is None:
            return plan, {}
        display.say("calibrating the training trials")
        trials = [trial for trial in plan.trials if trial.training is not None]
        costs = self._measure_costs(trials, display)
        known = [trial for trial in trials if _cost_key(trial) in costs]  # the others will fail again, as trials
        works = [trial.training for trial in known if trial.training is not None]
        places = places_of_seeds(trials)
        left = plan.budget * (1 - SAFETY) - since_start() - REPORTING
        found = [costs[_cost_key(t)] for t in known]
        fraction = fit_fraction(works, found, [places[t.key] for t in known], self._slots(), left)
        self.record.keep_fraction(plan.profile, plan.budget, fraction)
        plan = make_plan(self.chosen, self.options.data, fraction)
        self.record.keep_plan(self.invocation, plan)
        display.say(f"{clock(left)} left for training: {fraction:.3%} of each protocol")
        return plan, costs

    def _measure_costs(self, trials: list[Trial], display: Display) -> dict[str, Cost]:
        """The costs of each kind of trial; a kind that breaks is told and left out.

        Raises:
            UserError: all of them break.
        """
        distinct = list({_cost_key(trial): trial for trial in trials}.values())
        found: list[Cost | Broken]
        if self.options.serial:
            found = [estimate_here(trial, self._context(trial)) for trial in distinct]
        else:
            from harness.engine.measuring import measure_costs

            found = measure_costs(distinct, self._context, self.chosen.suite.resources, self.offers, display.say)
        costs = {}
        for trial, cost in zip(distinct, found, strict=True):
            if isinstance(cost, Cost):
                costs[_cost_key(trial)] = cost
            else:
                display.say(f"cannot be calibrated: {trial.title} · {trial.task}: {cost.cause}")
        if not costs:
            raise UserError("no training trial could be calibrated for the budget; the lines above say why; mend them.")
        return costs

    def _slots(self) -> int:
        """How many training trials run at a time."""
        return 1 if self.options.serial else slots(self.chosen.suite.resources, self.offers)


def plugins_of(trial: Trial, plugins: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The plugins that a trial needs, and the others: what it is made of and, if it trains, every analysis."""
    modules = DATASETS.sources(trial.task) + VARIANTS.sources(trial.variant)
    if trial.kind == "training":
        modules += tuple(module for name in ANALYSES.names() for module in ANALYSES.sources(name))
    return needed((path.resolve() for path in plugins), modules)


def _cost_key(trial: Trial) -> str:
    return f"{trial.variant} {sorted(trial.config.items())} {trial.task}"


def _expected(trial: Trial, costs: dict[str, Cost]) -> float:
    """The seconds that a trial takes, as far as it was calibrated; else the pixels that it goes through."""
    cost, work = costs.get(_cost_key(trial)), trial.training
    assert work is not None
    iterations = work.iterations or 0
    if cost is None:
        return iterations * work.protocol.batch_size * trial.config["image_size"] ** 2
    return seconds_of(work, cost, iterations)


def _fetch(plan: Plan, data: Path, console: Console) -> None:
    """Get the data of every task and look at those that something is trained on."""
    for task in sorted({trial.task for trial in plan.trials}):
        check.fetch(task, data, lambda text: console.print(text, highlight=False, markup=False))
    for task in sorted({trial.task for trial in plan.trials if trial.kind == "training"}):
        check.load(task, data)


def _check_disk(plan: Plan, options: Options) -> None:
    """Refuse to start where the checkpoints of the largest trials would not fit.

    Raises:
        UserError: too little space.
    """
    trials = {_cost_key(t): t for t in plan.trials if t.training is not None}.values()
    needed = 2 * max((checkpoint_bytes(t.variant, t.config) for t in trials), default=0)
    free = shutil.disk_usage(options.results).free
    if free < needed:
        raise UserError(
            f"{options.results} has {free / 2**30:.1f} GiB free, and the checkpoints of a trial may take "
            f"{needed / 2**30:.1f} GiB; free some space or name another folder with --results."
        )
