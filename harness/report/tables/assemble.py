"""The tables of errors and times, from the record: the published number beside ours, with what sets them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import TrainingTrial
from harness.report.analysis_rows import AnalysisRows
from harness.report.judging.evidence import Evidence
from harness.report.judging.verdicts import judge
from harness.report.tables.evidence import Files, Measured, tests_of
from harness.report.tables.learning import learning_of
from harness.report.tables.methods import methods_of
from harness.report.tables.row_facts import common, setting_reasons
from harness.report.tables.rows import ErrorRow, Origin, PairRow, RunLine, TableRow, Tables
from harness.report.tables.summaries import Summary, error_of, error_of_numbers
from harness.report.tables.timed import Rated, Timed, timed_of
from harness.report.tables.times import speed_rows, time_rows
from harness.statistics.several import levels
from harness.suite.published import Number, Published, PublishedTable, look_up

ERROR = "/error_percent"


def build_tables(
    plan: Plan,
    published: list[Published],
    frame: pd.DataFrame,
    overhead: dict[str, float] | None = None,
    files: Files | None = None,
    origin: Origin | None = None,
) -> Tables:
    """The tables of a plan.

    Arguments:
        frame: a line per recorded trial, indexed by key: status, cause, metrics, machine.
        files: what the trials have left besides; without it rows are not compared and claims not judged.
        origin: what made the record.
    """
    trials = pd.DataFrame(
        [
            {"key": t.key, "kind": t.kind, "row": t.row, "task": t.task, "repeat": t.repeat, "name": t.name}
            for t in plan.trials
        ],
        columns=["key", "kind", "row", "task", "repeat", "name"],
    )
    joined = trials.join(frame, on="key")
    joined["status"] = joined["status"].fillna("missing")
    trials_of = {(trial.row, trial.task): trial for trial in reversed(plan.training)}
    measured = measured_of(plan, frame, files) if files is not None else None
    timed = timed_of(plan.timing, frame)
    errors = [_error_row(row, published, joined, trials_of, measured) for row in plan.errors]
    times = time_rows(plan, published, joined, timed)
    rows_of = AnalysisRows(errors, times, measured) if measured is not None else None
    failed = joined[joined["status"] == "failed"]
    done = frame[frame["status"] == "done"]
    machines = done[[c for c in frame.columns if c in MACHINE]].drop_duplicates()
    return Tables(
        suite=plan.suite,
        profile=plan.profile,
        fraction=plan.fraction,
        budget=plan.budget,
        precision=plan.precision,
        error_title=plan.error_title,
        errors=errors,
        time_title=plan.time_title,
        times=times,
        speed=speed_rows(plan, joined, timed),
        baseline=times[plan.baseline].title if times else "",
        drift=timed.drift(),
        slope=timed.slope,
        failures=dict(zip(failed["name"], failed["cause"], strict=True)),
        environments=len(machines),
        environment={} if machines.empty else {str(k): str(v) for k, v in machines.iloc[-1].items()},
        overhead=overhead or {},
        verdicts=judge(plan.claims, _evidence(rows_of, timed)) if rows_of is not None else [],
        families=plan.families,
        pairs=_pair_rows(plan, errors, measured) if measured is not None else [],
        rows_of=rows_of,
        methods=methods_of(plan),
        runs=_run_lines(plan, frame),
        origin=origin,
    )


def _run_lines(plan: Plan, frame: pd.DataFrame) -> list[RunLine]:
    ids = frame["run_id"].to_dict() if "run_id" in frame else {}
    statuses = frame["status"].to_dict()
    return [RunLine(t.name, statuses.get(t.key, "missing"), ids.get(t.key, "")) for t in plan.trials]


def measured_of(plan: Plan, frame: pd.DataFrame, files: Files) -> Measured:
    """The trials of a plan that are done; `frame` as `build_tables` takes it."""
    return Measured(plan, files, frozenset(frame[frame["status"] == "done"].index))


def first_errors(plan: Plan, frame: pd.DataFrame) -> dict[str, float]:
    """The error on a task's first test, in percent, by the key of each trained trial that is done."""
    done = frame[frame["status"] == "done"]
    found: dict[str, Any] = {}
    for trial in plan.training:
        if trial.key in done.index:
            measured = _measured_tests(done.loc[[trial.key]])
            first = next(iter(tests_of(trial, measured)), "")
            found |= {trial.key: done.at[trial.key, f"test/{first}{ERROR}"]} if first in measured else {}
    return found


def _evidence(rows_of: AnalysisRows, timed: Timed) -> Evidence:
    def ratio(row: TableRow, other: TableRow) -> Rated | None:
        return timed.ratio((row.title, row.task), (other.title, other.task))

    measured = rows_of.measured
    return Evidence(
        rows_of.errors, rows_of.times, measured.pair, measured.contrast, measured.over_seeds, ratio, rows_of
    )


def _pair_rows(plan: Plan, errors: list[ErrorRow], measured: Measured) -> list[PairRow]:
    """Every row beside the baseline of the times or, if the errors have no such row, beside the first."""
    found = []
    for task in dict.fromkeys(row.task for row in errors):
        rows = [row for row in errors if row.task == task]
        base = next(filter(_is_like(plan.times[plan.baseline]), rows), rows[0]) if plan.times else rows[0]
        pairs = [(row, measured.pair(row, base)) for row in rows if row is not base]
        known = [(row, pair) for row, pair in pairs if pair is not None]
        passed = levels([pair.p for _, pair in known])
        found += [
            PairRow(row.title, base.title, task, row.test, pair, level, pair.finding(level))
            for (row, pair), level in zip(known, passed, strict=True)
        ]
    return found


def _is_like(wanted: PlannedRow) -> Callable[[TableRow], bool]:
    """Whether a row is of the same variant with the same settings; a label may differ from table to table."""
    return lambda row: (row.variant, row.config) == (wanted.variant, wanted.config)


MACHINE = [f"machine.{n}" for n in ("cpu", "device", "allocator", "tf32", "python", "torch", "numpy")]


def _error_row(
    row: PlannedRow,
    published: list[Published],
    joined: pd.DataFrame,
    trials_of: Mapping[tuple[int, str], TrainingTrial],
    measured: Measured | None,
) -> ErrorRow:
    lines = joined[(joined["kind"] == "training") & (joined["row"] == row.row) & (joined["task"] == row.task)]
    done = lines[lines["status"] == "done"]
    trial = trials_of.get((row.row, row.task))
    known = _measured_tests(done)
    tests = tests_of(trial, known) if trial is not None else []
    test = tests[0] if tests else row.task
    images = int(done[f"test/{test}/images"].iloc[0]) if test in known else 0
    errors = done[f"test/{test}{ERROR}"].tolist() if test in known else []
    learning = learning_of(measured.answers(row.title, row.task).values()) if measured is not None else None
    fraction = trial.work.fraction if trial is not None else None
    found = look_up(published, "errors", row.variant, row.config, row.task)
    reasons = setting_reasons(found, row.config)
    if fraction is not None and fraction < 1:
        reasons.append(f"{fraction:.2%} of the protocol")
    reasons += _training_reasons(found, trial)
    reasons += trial.remarks if trial is not None else ()
    if test.endswith("-rebuilt"):
        reasons.append("rebuilt test set")
    if found is not None and found[1].images is not None and 0 < images < found[1].images:
        reasons.append(f"{images:,} of {found[1].images:,} test images")
    return ErrorRow(
        **common(row, "percent", found, _summary(row, errors, images, measured), reasons, lines, "seeds"),
        test=test,
        images=images,
        iterations=(trial.work.iterations or 0) if trial is not None else 0,
        fraction=fraction,
        other_tests={name: float(done[f"test/{name}{ERROR}"].mean()) for name in tests[1:] if name in known},
        unlearned=learning.unlearned if learning is not None else 0,
        chance=learning.chance if learning is not None else None,
        falling=measured.falling(row.title, row.task) if measured is not None else None,
    )


def _summary(row: PlannedRow, errors: list[float], images: int, measured: Measured | None) -> Summary | None:
    """A row's error, from what its models answered or, where that is not known of all of them, from their errors."""
    if not errors:
        return None
    mistakes = measured.mistakes(row.title, row.task) if measured is not None else None
    is_known = mistakes is not None and len(mistakes.wrong) == len(errors)
    return error_of(mistakes) if mistakes is not None and is_known else error_of_numbers(errors, images)


def _training_reasons(found: tuple[Number, PublishedTable] | None, trial: TrainingTrial | None) -> list[str]:
    if found is None or trial is None:
        return []
    ours, theirs = trial.work.train_images, found[1].train_images
    fewer = [f"{ours:,} of {theirs:,} training images"] if theirs is not None and ours < theirs else []
    return fewer + found[0].protocol.deviations(trial.work.protocol)


def _measured_tests(done: pd.DataFrame) -> list[str]:
    """The test sets that all of these trials were tested on."""
    return [
        c.removeprefix("test/").removesuffix(ERROR)
        for c in done.columns
        if c.startswith("test/") and c.endswith(ERROR) and done[c].notna().all() and len(done)
    ]
