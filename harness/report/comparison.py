"""Two runs of suites row by row: what is faster, what is better, and what differs in what was run.

Errors are compared image by image, with the seeds that both have. Times are compared as times of the fixed model that
was timed in the same blocks, so that a machine which was slower on the other day does not count as a change. Findings
are corrected for the number of rows (Holm), those on errors and those on times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.plan import Plan, PlannedRow
from harness.report.evidence import Measured, pair_of
from harness.report.pairs import LEVEL as SIGNIFICANCE
from harness.report.pairs import Pair, holm
from harness.report.statistics import FEWEST_BLOCKS, LEVEL, Estimate, p_of_ratio
from harness.trial import SENTINEL, Trial

Kind = Literal["training", "timing"]
Name = tuple[Kind, str, str]  # of a row: which table, title, task
Quality = Literal["better", "worse", "no difference shown", "the same trials", "not measured in both"]
Speed = Literal["faster", "slower", "no difference shown", "the same trials", "not measured in both"]


SAME: Literal["the same trials"] = "the same trials"


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
        return {(kind, row.title, row.task): row for kind, rows in kinds for row in rows}

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
        blocks = sorted(times.keys() & fixed.keys())
        return [math.log(times[b] / fixed[b]) for b in blocks if times[b] > 0 and fixed[b] > 0]

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

    def p_slower(self, factor: float) -> float | None:
        """The p-value of that the second run takes more than so many times as long; None if it was not tested."""
        if self.ratio is None or self.speed == SAME:
            return None
        return p_of_ratio(self.ratio, [factor]) if self.ratio.low is not None and self.ratio.low > factor else 1.0

    def p_worse(self, points: float) -> float | None:
        """The p-value of that the second run's error is larger by more than so much; None if it was not tested."""
        if self.pair is None or self.quality == SAME:
            return None
        return self.pair.against(points) if self.pair.low > points else 1.0


@dataclass(frozen=True)
class Comparison:
    """All rows that both runs have, and what else sets them apart."""

    name: str
    other: str
    rows: list[ComparedRow]
    alone: list[str]  # rows of one run only
    facts: list[str]  # code, machine and versions that differ

    def regressions(self, slower_percent: float | None, worse_points: float | None) -> list[str]:
        """The rows that are shown to be slower or worse by more than so much; what is None is not looked at.

        Shown is what the lower end of its interval exceeds, at a level corrected for the number of rows (Holm).
        """
        found = []
        if slower_percent is not None:
            ps = [(row, row.p_slower(1 + slower_percent / 100)) for row in self.rows]
            found += [f"{where} is slower by more than {slower_percent:g}%" for where in _significant(ps)]
        if worse_points is not None:
            ps = [(row, row.p_worse(worse_points)) for row in self.rows]
            found += [f"{where} is worse by more than {worse_points:g} points" for where in _significant(ps)]
        return found


def _significant(ps: Sequence[tuple[ComparedRow, float | None]]) -> list[str]:
    """The rows whose p-value, corrected for all of them, is below the level."""
    known = [(row, p) for row, p in ps if p is not None]
    corrected = holm([p for _, p in known])
    return [f"{row.title} · {row.task}" for (row, _), p in zip(known, corrected, strict=True) if p < SIGNIFICANCE]


def compare_runs(first: Side, second: Side) -> Comparison:
    """Compare two runs row by row."""
    ours, theirs = first.rows(), second.rows()
    shared = [name for name in ours if name in theirs]
    pairs = {name: _pair(first, second, name) for name in shared if name[0] == "training"}
    ratios = {name: _ratio(first, second, name) for name in shared if name[0] == "timing"}
    other = [name for name in shared if not _is_same(first, second, name)]
    of_errors = {name: pair.p for name in other if (pair := pairs.get(name)) is not None}
    of_times = {name: p for name in other if (ratio := ratios.get(name)) and (p := p_of_ratio(ratio, [1])) is not None}
    ps = _corrected(of_errors) | _corrected(of_times)
    rows = [_compared(first, second, name, pairs.get(name), ratios.get(name), ps.get(name)) for name in shared]
    alone = [f"{_told(name)}, in {first.name} alone" for name in ours if name not in theirs]
    alone += [f"{_told(name)}, in {second.name} alone" for name in theirs if name not in ours]
    return Comparison(first.name, second.name, rows, alone, _differing(first.facts, second.facts))


def _told(name: Name) -> str:
    kind, title, task = name
    return f"{title} · {task} ({kind})"


def _corrected(ps: Mapping[Name, float]) -> dict[Name, float]:
    return dict(zip(ps, holm(list(ps.values())), strict=True))


def _pair(first: Side, second: Side, name: Name) -> Pair | None:
    _, title, task = name
    return pair_of(second.measured.answers(title, task), first.measured.answers(title, task))


def _ratio(first: Side, second: Side, name: Name) -> Estimate | None:
    return ratio_of_means(second.in_sentinels(name), first.in_sentinels(name))


def _is_same(first: Side, second: Side, name: Name) -> bool:
    return bool(first.keys(name)) and first.keys(name) == second.keys(name)


def _compared(
    first: Side, second: Side, name: Name, pair: Pair | None, ratio: Estimate | None, p: float | None
) -> ComparedRow:
    """A row of both runs; `p` is the corrected p-value of its pair or its ratio."""
    kind, title, task = name
    is_same = _is_same(first, second, name)
    quality: Quality = "not measured in both" if pair is None else SAME if is_same else pair.finding(p)
    speed: Speed = "not measured in both" if ratio is None else SAME if is_same else _speed(ratio, p)
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


def _speed(ratio: Estimate, p: float | None) -> Speed:
    if p is None or p >= SIGNIFICANCE:
        return "no difference shown"
    return "slower" if ratio.mean > 1 else "faster"


def ratio_of_means(logs: Sequence[float], base: Sequence[float]) -> Estimate | None:
    """The ratio of two geometric means with Welch's 95% interval; None where one has fewer than `FEWEST_BLOCKS`."""
    if min(len(logs), len(base)) < FEWEST_BLOCKS:
        return None
    from scipy import stats  # takes a second to import

    mean = float(np.mean(logs) - np.mean(base))
    if not np.ptp(logs) and not np.ptp(base):
        return Estimate(math.exp(mean), 0.0, math.exp(mean), math.exp(mean), min(len(logs), len(base)), "blocks")
    result = stats.ttest_ind(logs, base, equal_var=False)
    interval = result.confidence_interval(LEVEL)
    error = math.sqrt(np.var(logs, ddof=1) / len(logs) + np.var(base, ddof=1) / len(base))
    low, high = math.exp(interval.low), math.exp(interval.high)
    fewer = min(len(logs), len(base))
    return Estimate(math.exp(mean), math.exp(mean) * error, low, high, fewer, "blocks", float(result.df))


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    names = dict.fromkeys([*one, *other])
    return [
        f"{name}: {one.get(name, 'unknown')} → {other.get(name, 'unknown')}"
        for name in names
        if one.get(name) != other.get(name)
    ]
