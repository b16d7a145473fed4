"""Two runs of suites row by row: what is faster, what is better, and what differs in what was run.

Errors are compared image by image, with the seeds that both have. Times are compared as times of the fixed model that
was timed in the same blocks, so that a machine which was slower on the other day does not count as a change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from harness.plan import Plan, PlannedRow
from harness.report.evidence import Measured, pair_of
from harness.report.pairs import Pair, holm
from harness.report.statistics import LEVEL, Estimate
from harness.trial import SENTINEL

Quality = Literal["better", "worse", "no difference shown", "the same trials", "not measured in both"]
Speed = Literal["faster", "slower", "no difference shown", "the same trials", "not measured in both"]


@dataclass(frozen=True)
class Side:
    """One of the two runs.

    name: how the user called it.
    facts: of the code and the machines, by name.
    errors: mean test error in percent by trial's key, of the first test.
    """

    name: str
    plan: Plan
    measured: Measured
    facts: Mapping[str, str]
    errors: Mapping[str, float]

    def rows(self) -> dict[tuple[str, str], PlannedRow]:
        """The rows of both tables by title and task."""
        return {(_title(row), row.task): row for row in [*self.plan.table2, *self.plan.table3]}

    def keys(self, row: PlannedRow, kind: str) -> frozenset[str]:
        """The keys of a row's trials that are done."""
        return frozenset(
            trial.key
            for trial in self.plan.trials
            if (trial.kind, trial.title, trial.task) == (kind, _title(row), row.task)
            and trial.key in self.measured.done
        )

    def error(self, row: PlannedRow) -> float | None:
        """A row's mean test error, percent."""
        found = [self.errors[key] for key in self.keys(row, "training") if key in self.errors]
        return float(np.mean(found)) if found else None

    def seconds(self, row: PlannedRow) -> float | None:
        """A row's time of an iteration, the median over processes."""
        found = [self.measured.seconds[key] for key in self.keys(row, "timing")]
        return float(np.median(found)) if found else None

    def in_sentinels(self, row: PlannedRow) -> list[float]:
        """The logarithm of a row's time over the fixed model's, in each block that has both."""
        times = self.measured.times(_title(row), row.task)
        fixed = self.measured.times(SENTINEL, row.task)
        return [math.log(times[block] / fixed[block]) for block in sorted(times.keys() & fixed.keys())]


@dataclass(frozen=True)
class ComparedRow:
    """A row of both runs; errors in percent, times in seconds, differences from the first run to the second."""

    title: str
    task: str
    error: float | None
    other_error: float | None
    pair: Pair | None  # the second run less the first
    quality: Quality
    seconds: float | None
    other_seconds: float | None
    ratio: Estimate | None  # the second run's time over the first's, by the fixed model's
    speed: Speed
    changes: list[str]  # settings that differ

    @property
    def slowest_ratio(self) -> float:
        """The second run takes at least so many times as long."""
        return self.ratio.low if self.ratio is not None and self.ratio.low is not None else 0.0

    @property
    def error_difference(self) -> float:
        """Points by which the second run's error is larger."""
        return self.pair.difference if self.pair is not None else 0.0


@dataclass(frozen=True)
class Comparison:
    """All rows that both runs have, and what else sets them apart."""

    name: str
    other: str
    rows: list[ComparedRow]
    alone: list[str]  # rows of one run only
    facts: list[str]  # code, machine and versions that differ

    def regressions(self, slower_percent: float | None, worse_points: float | None) -> list[str]:
        """The rows that are shown to be slower or worse by more than so much; what is None is not looked at."""
        found = []
        for row in self.rows:
            where = f"{row.title} · {row.task}"
            if slower_percent is not None and row.speed == "slower" and row.slowest_ratio > 1 + slower_percent / 100:
                found.append(f"{where} is slower by more than {slower_percent:g}%")
            if worse_points is not None and row.quality == "worse" and row.error_difference > worse_points:
                found.append(f"{where} is worse by more than {worse_points:g} points")
        return found


def comparison_object(compared: Comparison) -> dict[str, Any]:
    """A comparison as plain data."""
    return asdict(compared)


def compare_runs(first: Side, second: Side) -> Comparison:
    """Compare two runs row by row."""
    ours, theirs = first.rows(), second.rows()
    shared = [name for name in ours if name in theirs]
    pairs = {name: _pair(first, second, ours[name], theirs[name]) for name in shared}
    known = [name for name in shared if pairs[name] is not None]
    corrected = dict(zip(known, holm([pairs[name].p for name in known]), strict=True))  # type: ignore[union-attr]
    rows = [_compared(first, second, ours[name], theirs[name], pairs[name], corrected.get(name)) for name in shared]
    alone = [f"{title} · {task} in {first.name} only" for title, task in ours if (title, task) not in theirs]
    alone += [f"{title} · {task} in {second.name} only" for title, task in theirs if (title, task) not in ours]
    return Comparison(first.name, second.name, rows, alone, _differing(first.facts, second.facts))


def _pair(first: Side, second: Side, row: PlannedRow, other: PlannedRow) -> Pair | None:
    ours = first.measured.mistakes(_title(row), row.task)
    theirs = second.measured.mistakes(_title(other), other.task)
    return pair_of(theirs, ours)


def _compared(
    first: Side, second: Side, row: PlannedRow, other: PlannedRow, pair: Pair | None, p: float | None
) -> ComparedRow:
    trained, trained_other = first.keys(row, "training"), second.keys(other, "training")
    quality: Quality = "not measured in both"
    if trained and trained == trained_other:
        quality = "the same trials"
    elif pair is not None:
        quality = pair.finding(p)
    timed, timed_other = first.keys(row, "timing"), second.keys(other, "timing")
    ratio = ratio_of_means(second.in_sentinels(other), first.in_sentinels(row))
    speed: Speed = "not measured in both"
    if timed and timed == timed_other:
        speed = "the same trials"
    elif ratio is not None:
        speed = _speed(ratio)
    return ComparedRow(
        title=_title(row),
        task=row.task,
        error=first.error(row),
        other_error=second.error(other),
        pair=pair,
        quality=quality,
        seconds=first.seconds(row),
        other_seconds=second.seconds(other),
        ratio=ratio,
        speed=speed,
        changes=_differing(_settings(first.plan, row), _settings(second.plan, other)),
    )


def _speed(ratio: Estimate) -> Speed:
    if ratio.low is None or ratio.high is None or ratio.low <= 1 <= ratio.high:
        return "no difference shown"
    return "slower" if ratio.low > 1 else "faster"


def ratio_of_means(logs: Sequence[float], base: Sequence[float]) -> Estimate | None:
    """The ratio of two geometric means with Welch's 95% interval; None where one has fewer than two blocks."""
    if len(logs) < 2 or len(base) < 2:
        return None
    from scipy import stats  # takes a second to import

    mean = float(np.mean(logs) - np.mean(base))
    if not np.ptp(logs) and not np.ptp(base):
        return Estimate(math.exp(mean), 0.0, math.exp(mean), math.exp(mean), min(len(logs), len(base)), "blocks")
    result = stats.ttest_ind(logs, base, equal_var=False)
    interval = result.confidence_interval(LEVEL)
    error = math.sqrt(np.var(logs, ddof=1) / len(logs) + np.var(base, ddof=1) / len(base))
    low, high = math.exp(interval.low), math.exp(interval.high)
    return Estimate(math.exp(mean), math.exp(mean) * error, low, high, min(len(logs), len(base)), "blocks")


def _title(row: PlannedRow) -> str:
    return f"{row.variant} {row.label}".strip()


def _settings(plan: Plan, row: PlannedRow) -> dict[str, str]:
    """What a row was given, and digests of its source and data."""
    trial = next((t for t in plan.trials if (t.title, t.task) == (_title(row), row.task)), None)
    settings: dict[str, Any] = dict(row.config)
    if trial is not None:
        settings |= {"source of the variant": trial.source, "data": trial.data}
        if trial.training is not None:
            settings |= {"iterations": trial.training.iterations, **trial.training.protocol.model_dump()}
    return {name: str(value) for name, value in settings.items()}


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    names = dict.fromkeys([*one, *other])
    return [
        f"{name}: {one.get(name, 'unknown')} → {other.get(name, 'unknown')}"
        for name in names
        if one.get(name) != other.get(name)
    ]
