"""All tables of a report, from a plan and its recorded trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.plan.plan import Plan, PlannedRow
from harness.record.recorded import RecordedTrial
from harness.report.analysis_rows import AnalysisRows
from harness.report.judging.evidence import Evidence
from harness.report.judging.verdicts import judge
from harness.report.tables.errors import error_rows
from harness.report.tables.methods import methods_of
from harness.report.tables.recorded_rows import RecordedRows
from harness.report.tables.rows import ErrorRow, Origin, PairRow, RunLine, TableRow, Tables
from harness.report.tables.timed import Rated, Timed, timed_of
from harness.report.tables.times import speed_rows, time_rows
from harness.statistics.several import levels
from harness.suite.published import Published

MACHINE = ("cpu", "device", "allocator", "tf32", "python", "torch", "numpy")  # the facts that tables show


def build_tables(
    plan: Plan,
    published: list[Published],
    trials: Mapping[str, RecordedTrial],
    overhead: Mapping[str, float] | None = None,
    origin: Origin | None = None,
) -> Tables:
    """Return the tables of a plan.

    Arguments:
        trials: what is recorded, by key, the newest first.
        overhead: of the harness, in seconds and shares.
        origin: what made the record.
    """
    recorded = RecordedRows(plan, trials)
    timed = timed_of(plan.timing, recorded.timing)
    errors = error_rows(published, recorded)
    times = time_rows(published, recorded, timed)
    rows_of = AnalysisRows(errors, times, recorded)
    machines = _machines(recorded)
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
        speed=speed_rows(recorded, timed),
        baseline=times[plan.baseline].title if times else "",
        drift=timed.drift(),
        slope=timed.slope,
        failures=_failures(recorded),
        environments=len(machines),
        environment=machines[0] if machines else {},
        overhead=dict(overhead or {}),
        verdicts=judge(plan.claims, _evidence(rows_of, timed)),
        families=plan.families,
        pairs=_pair_rows(errors, recorded),
        rows_of=rows_of,
        methods=methods_of(plan),
        runs=_run_lines(recorded),
        origin=origin,
    )


def _machines(recorded: RecordedRows) -> list[dict[str, str]]:
    """The machines and versions that differ among the results, that of the newest result first."""
    found: list[dict[str, str]] = []
    for trial in recorded.done:
        facts = {f"machine.{name}": trial.machine[name] for name in MACHINE if name in trial.machine}
        if facts and facts not in found:
            found.append(facts)
    return found


def _failures(recorded: RecordedRows) -> dict[str, str]:
    """The causes of the trials that failed, by the trial's name."""
    found = ((trial, recorded.trials.get(trial.key)) for trial in recorded.plan.trials)
    return {trial.name: each.cause for trial, each in found if each is not None and each.status == "failed"}


def _run_lines(recorded: RecordedRows) -> list[RunLine]:
    runs = {key: trial.run_id for key, trial in recorded.trials.items()}
    return [RunLine(each.name, recorded.status(each), runs.get(each.key, "")) for each in recorded.plan.trials]


def _evidence(rows_of: AnalysisRows, timed: Timed) -> Evidence:
    def ratio(row: TableRow, other: TableRow) -> Rated | None:
        return timed.ratio((row.title, row.task), (other.title, other.task))

    recorded = rows_of.recorded
    return Evidence(
        rows_of.errors, rows_of.times, recorded.pair, recorded.contrast, recorded.over_seeds, ratio, rows_of
    )


def _pair_rows(errors: list[ErrorRow], recorded: RecordedRows) -> list[PairRow]:
    """Every row beside the baseline of the times or, if the errors have no such row, beside the first."""
    found, plan = [], recorded.plan
    for task in dict.fromkeys(row.task for row in errors):
        rows = [row for row in errors if row.task == task]
        base = next(filter(_is_like(plan.times[plan.baseline]), rows), rows[0]) if plan.times else rows[0]
        pairs = [(row, recorded.pair(row, base)) for row in rows if row is not base]
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
