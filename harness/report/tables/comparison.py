"""Two runs of suites row by row: what is faster, what is better, and what differs in what was run.

Errors are compared over seeds and images. Times are compared as multiples of those of the fixed model that was timed
beside them, so that a machine which was slower on the other day does not count as a change. Findings are corrected for
the number of rows (Holm), those on errors and those on times, and intervals stand at the level that each had to pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import Trial
from harness.report.tables.pairs import Pair, pair_of
from harness.report.tables.recorded_rows import RecordedRows, first_score
from harness.report.tables.timed import Timed
from harness.statistics.estimate import FEWEST, LEVEL, difference_of_means
from harness.statistics.ratios import Ratio
from harness.statistics.several import holm, levels

T = TypeVar("T")
Kind = Literal["training", "timing"]
Name = tuple[Kind, str, str]  # of a row: which table, title, task
Missing = Literal["the same trials", "not measured in both"]
Quality = Literal["better", "worse", "no difference shown", "not on the same images"] | Missing
Speed = Literal["faster", "slower", "no difference shown", "too few rounds"] | Missing

SAME: Literal["the same trials"] = "the same trials"
ABSENT: Literal["not measured in both"] = "not measured in both"


@dataclass(frozen=True)
class Side:
    """One of two runs.

    name: how the user called it.
    facts: of the code and the machines, by name.
    """

    name: str
    recorded: RecordedRows
    timed: Timed
    facts: Mapping[str, str]

    @property
    def plan(self) -> Plan:
        """The plan of the run."""
        return self.recorded.plan

    def rows(self) -> dict[Name, PlannedRow]:
        """Return the rows of both tables."""
        kinds: list[tuple[Kind, list[PlannedRow]]] = [("training", self.plan.errors), ("timing", self.plan.times)]
        return {(kind, row.title, row.task): row for kind, rows in kinds for row in rows}

    def trials(self, name: Name) -> list[Trial]:
        """Return a row's trials."""
        return [trial for trial in self.plan.trials if (trial.kind, trial.title, trial.task) == name]

    def keys(self, name: Name) -> frozenset[str]:
        """Return the keys of a row's trials that are done."""
        done = self.recorded.training if name[0] == "training" else self.recorded.timing
        return frozenset(trial.key for trial in self.trials(name) if trial.key in done)

    def error(self, name: Name) -> float | None:
        """Return a row's mean error on the first test of its task, percent."""
        scores = [first_score(trial, recorded) for trial, recorded in self.recorded.trained(*name[1:])]
        known = [score.error_percent for score in scores if score is not None]
        return float(np.mean(known)) if known else None

    def seconds(self, name: Name) -> float | None:
        """Return a row's seconds per iteration, the median over processes."""
        found = list(self.timed.seconds(name[1:]).values())
        return float(np.median(found)) if found else None

    def settings(self, name: Name) -> dict[str, str]:
        """Return the settings of a row, and the digests of its source and data."""
        settings: dict[str, Any] = {}
        for trial in self.trials(name)[:1]:
            settings |= {**trial.config, "source of the variant": trial.source, "data": trial.data}
            settings |= trial.work.protocol.model_dump()
            if trial.kind == "training":
                settings |= {"iterations": trial.work.iterations}
        return {setting: str(value) for setting, value in settings.items()}


@dataclass(frozen=True)
class ComparedRow:
    """A row of both runs; errors in percent, times in seconds, differences from the first run to the second.

    difference, ratio: with both ends of their intervals, at the level that the finding had to pass.
    could_show: the difference that would have been shown at that level four times in five.
    changes: the settings that differ.
    """

    title: str
    task: str
    changes: list[str]
    error: float | None = None
    other_error: float | None = None
    pair: Pair | None = None  # the second run less the first
    difference: tuple[float, float, float] | None = None
    could_show: float | None = None
    quality: Quality = ABSENT
    seconds: float | None = None
    other_seconds: float | None = None
    rate: Ratio | None = None  # the second run's time over the first's, by the fixed model's
    ratio: tuple[float, float, float] | None = None
    speed: Speed = ABSENT

    @property
    def is_of_models(self) -> bool:
        """Whether two models were compared rather than two methods, since a side has one seed."""
        return self.pair is not None and self.quality != SAME and not self.pair.is_of_methods

    @property
    def untested_error(self) -> str | None:
        """Why its error was not tested; None if it was, or if both runs share the trials or neither has measured it."""
        if self.is_of_models:
            return "one seed of a side"
        is_measured = self.error is not None or self.other_error is not None
        return self.quality if is_measured and self.pair is None and self.quality != SAME else None

    @property
    def untested_time(self) -> str | None:
        """Why its time was not tested; None as for `untested_error`."""
        is_measured = self.seconds is not None or self.other_seconds is not None
        return self.speed if is_measured and self.rate is None and self.speed != SAME else None

    def p_slower(self, factor: float) -> float | None:
        """Return the p-value of the second run taking more than `factor` times as long; None if it was not tested."""
        if self.rate is None or self.rate.log is None or self.speed == SAME:
            return None
        return self.rate.log.p(math.log(factor)) if self.rate.value > factor else 1.0

    def p_worse(self, points: float) -> float | None:
        """Return the p-value of the second run's error being larger by more than `points`; None if it was not tested.

        Two models tell nothing of two methods.
        """
        if self.pair is None or self.quality == SAME or not self.pair.is_of_methods:
            return None
        return self.pair.against(points) if self.pair.estimate.value > points else 1.0


@dataclass(frozen=True)
class RunComparison:
    """All rows that both runs have, and what else sets them apart."""

    name: str
    other: str
    rows: list[ComparedRow]
    alone: list[str]  # rows of one run only
    facts: list[str]  # code, machine and versions that differ
    has_fixed: bool = True  # whether both runs have timed the fixed model, so that times are multiples of its own

    def regressions(self, slower_percent: float | None, worse_points: float | None) -> list[str]:
        """List the rows that are significantly slower or worse by more than a limit; a limit of None is not tested.

        Findings are corrected for the number of rows (Holm).
        """
        found = []
        if slower_percent is not None:
            ps = [(row, row.p_slower(1 + slower_percent / 100)) for row in self.rows]
            found += [f"{where} is slower by more than {slower_percent:g}%" for where in _significant(ps)]
        if worse_points is not None:
            ps = [(row, row.p_worse(worse_points)) for row in self.rows]
            found += [f"{where} is worse by more than {worse_points:g} points" for where in _significant(ps)]
        return found

    def untested(self, slower_percent: float | None, worse_points: float | None) -> list[str]:
        """Say which rows `regressions` could not test and why, in a line for each limit."""
        reasons = {}
        if slower_percent is not None:
            reasons["slower"] = [(row, row.untested_time) for row in self.rows]
        if worse_points is not None:
            reasons["worse"] = [(row, row.untested_error) for row in self.rows]
        rows = {
            word: [f"{row.title} · {row.task} ({why})" for row, why in each if why is not None]
            for word, each in reasons.items()
        }
        return [f"not tested whether {word}: {', '.join(each)}" for word, each in rows.items() if each]


def _significant(ps: Sequence[tuple[ComparedRow, float | None]]) -> list[str]:
    """The rows whose p-value, corrected for the number of rows, is below the level."""
    known = [(row, p) for row, p in ps if p is not None]
    corrected = holm([p for _, p in known])
    return [f"{row.title} · {row.task}" for (row, _), p in zip(known, corrected, strict=True) if p < LEVEL]


def compare_runs(first: Side, second: Side) -> RunComparison:
    """Compare two runs row by row."""
    ours, theirs = first.rows(), second.rows()
    shared = [name for name in ours if name in theirs]
    trained = [name for name in shared if name[0] == "training"]
    timed = [name for name in shared if name[0] == "timing"]
    has_fixed = first.timed.has_fixed and second.timed.has_fixed
    rows = _compared_errors(first, second, trained) + _compared_times(first, second, timed, has_fixed)
    alone = [f"{_told(name)}, in {first.name} alone" for name in ours if name not in theirs]
    alone += [f"{_told(name)}, in {second.name} alone" for name in theirs if name not in ours]
    return RunComparison(first.name, second.name, rows, alone, _differing(first.facts, second.facts), has_fixed)


def _told(name: Name) -> str:
    kind, title, task = name
    return f"{title} · {task} ({kind})"


def _compared_errors(first: Side, second: Side, names: Sequence[Name]) -> list[ComparedRow]:
    pairs = {name: pair for name in names if (pair := _pair(first, second, name)) is not None}
    level_of = _levels({name: pair.p for name, pair in pairs.items()}, lambda name: _is_same(first, second, name))

    def row(name: Name) -> ComparedRow:
        pair, level, is_same = pairs.get(name), level_of.get(name, LEVEL), _is_same(first, second, name)
        errors = first.error(name), second.error(name)
        known = ComparedRow(*_settings(first, second, name), error=errors[0], other_error=errors[1])
        if pair is None:
            return replace(known, quality=_untested(is_same, errors, "not on the same images"))
        return replace(
            known,
            pair=pair,
            difference=(pair.estimate.value, *pair.estimate.interval(level)),
            could_show=pair.estimate.detectable(level),
            quality=SAME if is_same else pair.finding(level),
        )

    return [row(name) for name in names]


def _compared_times(first: Side, second: Side, names: Sequence[Name], has_fixed: bool) -> list[ComparedRow]:
    rates = {name: rate for name in names if (rate := _rate(first, second, name, has_fixed)) is not None}
    ps = {name: p for name, rate in rates.items() if (p := rate.p(1)) is not None}
    level_of = _levels(ps, lambda name: _is_same(first, second, name))

    def row(name: Name) -> ComparedRow:
        rate, level, is_same = rates.get(name), level_of.get(name, LEVEL), _is_same(first, second, name)
        seconds = first.seconds(name), second.seconds(name)
        known = ComparedRow(*_settings(first, second, name), seconds=seconds[0], other_seconds=seconds[1])
        ends = rate.interval(level) if rate is not None else None
        if rate is None or ends is None:
            return replace(known, speed=_untested(is_same, seconds, "too few rounds"))
        return replace(known, rate=rate, ratio=(rate.value, *ends), speed=SAME if is_same else _speed(rate, level))

    return [row(name) for name in names]


def _levels(ps: Mapping[Name, float], is_left_out: Callable[[Name], bool]) -> dict[Name, float]:
    """The level that each p-value has to pass; rows that share their trials are no tests."""
    known = {name: p for name, p in ps.items() if not is_left_out(name)}
    return dict(zip(known, levels(list(known.values())), strict=True))


def _settings(first: Side, second: Side, name: Name) -> tuple[str, str, list[str]]:
    return name[1], name[2], _differing(first.settings(name), second.settings(name))


def _pair(first: Side, second: Side, name: Name) -> Pair | None:
    ours, theirs = (side.recorded.mistakes(*name[1:]) for side in (second, first))
    return pair_of(ours, theirs) if ours is not None and theirs is not None else None


def _untested(is_same: bool, measured: tuple[float | None, float | None], why: T) -> T | Missing:
    """The outcome of a row that was not tested; `why` if it was measured in both runs."""
    if is_same:
        return SAME
    return ABSENT if None in measured else why


def _rate(first: Side, second: Side, name: Name, has_fixed: bool) -> Ratio | None:
    """The ratio of a row's times, relative to the fixed model's if both runs have timed that."""
    ours, theirs = (
        side.timed.beside_fixed(name[1:]) if has_fixed else side.timed.logs(name[1:]) for side in (second, first)
    )
    return rate_of(ours, theirs)


def rate_of(logs: Sequence[float], base: Sequence[float]) -> Ratio | None:
    """The ratio of two geometric means by Welch's test of their logarithms; None with fewer than `FEWEST` a side."""
    if min(len(logs), len(base)) < FEWEST:
        return None
    found = difference_of_means(logs, base)
    return Ratio(math.exp(found.value), min(len(logs), len(base)), found)


def _is_same(first: Side, second: Side, name: Name) -> bool:
    return bool(first.keys(name)) and first.keys(name) == second.keys(name)


def _speed(rate: Ratio, level: float) -> Speed:
    p = rate.p(1)
    if p is None or p >= level:
        return "no difference shown"
    return "slower" if rate.value > 1 else "faster"


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    names = dict.fromkeys([*one, *other])
    return [
        f"{name}: {one.get(name, 'unknown')} → {other.get(name, 'unknown')}"
        for name in names
        if one.get(name) != other.get(name)
    ]
