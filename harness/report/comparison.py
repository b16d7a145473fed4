"""Two runs of suites row by row: what is faster, what is better, and what differs in what was run.

Errors are compared image by image, with the seeds that both have. Times are compared as times of the fixed model that
was timed in the same blocks, so that a machine which was slower on the other day does not count as a change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.plan import Plan, PlannedRow
from harness.report.evidence import Measured, pair_of
from harness.report.pairs import Pair, holm
from harness.report.statistics import LEVEL, Estimate
from harness.trial import SENTINEL, Trial

Kind = Literal["training", "timing"]
Name = tuple[Kind, str, str]  # of a row: which table, title, task
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

    def rows(self) -> dict[Name, PlannedRow]:
        """The rows of both tables."""
        kinds: list[tuple[Kind, list[PlannedRow]]] = [("training", self.plan.table2), ("timing", self.plan.table3)]
        return {(kind, _title(row), row.task): row for kind, rows in kinds for row in rows}

    def trials(self, name: Name) -> list[Trial]:
        """A row's trials."""
        return [trial for trial in self.plan.trials if (trial.kind, trial.title, trial.task) == name]

    def keys(self, name: Name) -> frozenset[str]:
        """The keys of a row's trials that are done."""
        return frozenset(trial.key for trial in self.trials(name) if trial.key in self.measured.done)

    def error(self, name: Name) -> float | None:
        """A row's mean test error, percent."""
        found = [self.errors[key] for key in self.keys(name) if key in self.errors]
        return float(np.mean(found)) if found else None

    def seconds(self, name: Name) -> float | None:
        """A row's time of an iteration, the median over processes."""
        found = [self.measured.seconds[key] for key in self.keys(name) if key in self.measured.seconds]
        return float(np.median(found)) if found else None

    def in_sentinels(self, name: Name) -> list[float]:
        """The logarithm of a row's time over the fixed model's, in each block that has both."""
        _, title, task = name
        times, fixed = self.measured.times(title, task), self.measured.times(SENTINEL, task)
        return [math.log(times[block] / fixed[block]) for block in sorted(times.keys() & fixed.keys())]

    def settings(self, name: Name) -> dict[str, str]:
        """What a row was given, and the digests of its source and data."""
        settings: dict[str, Any] = {}
        for trial in self.trials(name)[:1]:
            settings |= {**trial.config, "source of the variant": trial.source, "data": trial.data}
            if trial.training is not None:
                settings |= {"iterations": trial.training.iterations, **trial.training.protocol.model_dump()}
            if trial.timing is not None:
                settings |= trial.timing.protocol.model_dump()
        return {setting: str(value) for setting, value in settings.items()}


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


def compare_runs(first: Side, second: Side) -> Comparison:
    """Compare two runs row by row."""
    ours, theirs = first.rows(), second.rows()
    shared = [name for name in ours if name in theirs]
    pairs = {name: _pair(first, second, name) for name in shared if name[0] == "training"}
    known = {name: pair for name, pair in pairs.items() if pair is not None}
    corrected = dict(zip(known, holm([pair.p for pair in known.values()]), strict=True))
    rows = [_compared(first, second, name, pairs.get(name), corrected.get(name)) for name in shared]
    alone = [f"{_told(name)}, in {first.name} alone" for name in ours if name not in theirs]
    alone += [f"{_told(name)}, in {second.name} alone" for name in theirs if name not in ours]
    return Comparison(first.name, second.name, rows, alone, _differing(first.facts, second.facts))


def _told(name: Name) -> str:
    kind, title, task = name
    return f"{title} · {task} ({kind})"


def _pair(first: Side, second: Side, name: Name) -> Pair | None:
    _, title, task = name
    return pair_of(second.measured.mistakes(title, task), first.measured.mistakes(title, task))


def _compared(first: Side, second: Side, name: Name, pair: Pair | None, p: float | None) -> ComparedRow:
    kind, title, task = name
    is_same = bool(first.keys(name)) and first.keys(name) == second.keys(name)
    ratio = ratio_of_means(second.in_sentinels(name), first.in_sentinels(name)) if kind == "timing" else None
    quality: Quality = "not measured in both" if pair is None else "the same trials" if is_same else pair.finding(p)
    speed: Speed = "not measured in both" if ratio is None else "the same trials" if is_same else _speed(ratio)
    return ComparedRow(
        title=title,
        task=task,
        error=first.error(name) if kind == "training" else None,
        other_error=second.error(name) if kind == "training" else None,
        pair=pair,
        quality=quality,
        seconds=first.seconds(name) if kind == "timing" else None,
        other_seconds=second.seconds(name) if kind == "timing" else None,
        ratio=ratio,
        speed=speed,
        changes=_differing(first.settings(name), second.settings(name)),
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


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    names = dict.fromkeys([*one, *other])
    return [
        f"{name}: {one.get(name, 'unknown')} → {other.get(name, 'unknown')}"
        for name in names
        if one.get(name) != other.get(name)
    ]
