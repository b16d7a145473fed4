"""The timed processes of each row, block by block, and how the speed of the machine changed meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from harness.plan.trial import TimingTrial
from harness.record.recorded import RecordedTiming
from harness.statistics.covariate import Slope, slope_of
from harness.statistics.estimate import Estimate
from harness.statistics.ratios import Ratio, ratio_of
from harness.worker.numbers import TimingNumbers
from harness.worker.timing.contention import MAX_CONTENTION

DRIFTED = 0.2  # from before a process to after it; the fixed model's median of three varies by 2 to 6% by itself

Name = tuple[str, str]  # of a timed row: title, task
Block = tuple[int, str]  # round and machine: a round that loses its machine continues on another


@dataclass(frozen=True)
class Process:
    """A fresh process that has timed a row.

    seconds: the median of its iterations.
    fixed: the seconds of the fixed model's iteration before and after it, their geometric mean; None if not timed.
    flags: what was seen of it that makes its times doubtful.
    trend: the last of its iterations over the first ones.
    """

    block: Block
    seconds: float
    fixed: float | None = None
    flags: tuple[str, ...] = ()
    trend: float | None = None
    change: float = 1.0  # of the fixed model's time, from before it to after it

    @property
    def is_drifting(self) -> bool:
        """Whether the fixed model's time changed by more than `DRIFTED` from before the process to after it."""
        return abs(math.log(self.change)) > math.log1p(DRIFTED)

    @property
    def caveats(self) -> tuple[str, ...]:
        """Why its times are doubtful."""
        told = f"the machine changed by more than {DRIFTED:.0%} meanwhile"
        return (*self.flags, told) if self.is_drifting else self.flags


@dataclass(frozen=True)
class Drift:
    """How the speed of the machine changed over the rounds, by the fixed model.

    change: its time in the last round over that in the first one, by a straight line through the logarithms.
    spread: the standard deviation of its time from round to round, a share.
    """

    change: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class Rated:
    """The ratio of two rows' times, with and without the blocks that are flagged.

    unflagged: None where no block is flagged or none is left.
    flags: why blocks are flagged, with the number of those that are.
    """

    ratio: Ratio
    unflagged: Ratio | None = None
    flagged: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timed:
    """The processes of a plan that are done, by row."""

    processes: Mapping[Name, Sequence[Process]] = field(default_factory=dict)

    @cached_property
    def slope(self) -> Slope:
        """The regression of the rows' times on the fixed model's, within rows and blocks, on logarithms."""
        known = [(name, p) for name, processes in self.processes.items() for p in processes if p.fixed is not None]
        return slope_of(
            [math.log(p.seconds) for _, p in known],
            [_log_fixed(p) for _, p in known],
            [(name, p.block[1]) for name, p in known],
            [p.block for _, p in known],
        )

    def of(self, name: Name) -> dict[Block, Process]:
        """Return a row's processes by block."""
        return {each.block: each for each in self.processes.get(name, ())}

    def seconds(self, name: Name) -> dict[Block, float]:
        """Return the median time of an iteration in each block, uncorrected."""
        return {block: each.seconds for block, each in self.of(name).items()}

    def ratio(self, name: Name, other: Name) -> Rated | None:
        """Return the ratio of the times of two rows, paired by block; None if they share no block."""
        ours, theirs = self.of(name), self.of(other)
        shared = sorted(ours.keys() & theirs.keys())
        ratio = ratio_of([self._log_ratio(ours[b], theirs[b]) for b in shared])
        if ratio is None:
            return None
        flagged = [b for b in shared if ours[b].caveats or theirs[b].caveats]
        kept = [b for b in shared if b not in flagged]
        without = ratio_of([self._log_ratio(ours[b], theirs[b]) for b in kept]) if flagged else None
        flags = dict.fromkeys(flag for b in flagged for flag in (*ours[b].caveats, *theirs[b].caveats))
        return Rated(ratio, without, len(flagged), tuple(flags))

    def logs(self, name: Name) -> list[float]:
        """Return the logarithms of a row's times, one for each block, uncorrected."""
        return [math.log(each.seconds) for _, each in sorted(self.of(name).items())]

    def beside_fixed(self, name: Name) -> list[float]:
        """Return the logarithms of a row's times over the fixed model's, to compare with another run.

        There is one for each block in which the fixed model was timed. The level of the machine is that of all of a
        round's processes, which one alone would make noisy; how a row's time follows its own process's fixed model is
        taken away besides, as far as that lowers the variance.
        """
        rounds = self._levels
        found = []
        for block, each in sorted(self.of(name).items()):
            if block in rounds:
                own = _log_fixed(each) - rounds[block] if each.fixed is not None else 0.0
                found.append(math.log(each.seconds) - self.slope.value * own - rounds[block])
        return found

    @property
    def has_fixed(self) -> bool:
        """Whether every process has timed the fixed model."""
        every = [each for processes in self.processes.values() for each in processes]
        return bool(every) and all(each.fixed is not None for each in every)

    def trend(self, name: Name) -> Ratio | None:
        """Return the ratio of the last to the first timed iterations, over a row's processes."""
        return ratio_of([math.log(each.trend) for each in self.processes.get(name, ()) if each.trend is not None])

    def drift(self) -> Drift | None:
        """Return how the speed of the machine changed; None if too few rounds have timed the fixed model."""
        machines: dict[str, tuple[list[float], list[float]]] = {}
        for (number, node), level in sorted(self._levels.items()):
            rounds, levels = machines.setdefault(node, ([], []))
            rounds.append(float(number))
            levels.append(level)
        return _drift(list(machines.values()))

    @cached_property
    def _levels(self) -> dict[Block, float]:
        """The logarithm of the fixed model's time in each block, the mean over its processes."""
        logs: dict[Block, list[float]] = {}
        for processes in self.processes.values():
            for each in processes:
                if each.fixed is not None:
                    logs.setdefault(each.block, []).append(_log_fixed(each))
        return {block: float(np.mean(each)) for block, each in logs.items()}

    def _log_ratio(self, ours: Process, theirs: Process) -> float:
        """The log ratio of two processes' times, corrected by the fixed model if both have timed it."""
        ratio = math.log(ours.seconds) - math.log(theirs.seconds)
        if ours.fixed is None or theirs.fixed is None:
            return ratio
        return ratio - self.slope.value * (_log_fixed(ours) - _log_fixed(theirs))


def _log_fixed(process: Process) -> float:
    assert process.fixed is not None
    return math.log(process.fixed)


def _drift(machines: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Drift | None:
    """Fit one slope over the rounds for all machines, with an intercept for each."""
    kept = [(np.asarray(rounds), np.asarray(levels)) for rounds, levels in machines if len(rounds) > 1]
    degrees = sum(len(rounds) - 1 for rounds, _ in kept)
    if degrees < 2:
        return None
    rounds = np.concatenate([each - each.mean() for each, _ in kept])
    levels = np.concatenate([each - each.mean() for _, each in kept])
    slope = float(rounds @ levels / (rounds @ rounds))
    left = levels - slope * rounds
    error = math.sqrt(left @ left / (degrees - 1) / (rounds @ rounds))
    span = max(float(np.ptp(each)) for each, _ in kept)
    low, high = Estimate(span * slope, span * error, degrees - 1).interval()
    return Drift(
        math.exp(span * slope), math.exp(low), math.exp(high), math.expm1(math.sqrt(levels @ levels / degrees))
    )


def timed_of(trials: Iterable[TimingTrial], recorded: Mapping[str, RecordedTiming]) -> Timed:
    """Return the timed processes of some trials.

    Arguments:
        recorded: the trials that are done, by key.
    """
    found: dict[Name, list[Process]] = {}
    for trial in trials:
        timing = recorded.get(trial.key)
        process = _process(trial.round, timing) if timing is not None else None
        if process is not None:
            found.setdefault((trial.title, trial.task), []).append(process)
    return Timed(found)


def _process(number: int, timing: RecordedTiming) -> Process | None:
    """A recorded process; None if it has no time."""
    numbers = timing.numbers
    if not numbers.median_seconds:
        return None
    before, after = numbers.sentinel_before_seconds, numbers.sentinel_after_seconds
    return Process(
        block=(number, timing.machine.get("node", "")),
        seconds=numbers.median_seconds,
        fixed=math.sqrt(before * after) if before and after else None,
        flags=tuple(_flags(numbers)),
        trend=numbers.trend or None,
        change=after / before if before and after else 1.0,
    )


def _flags(numbers: TimingNumbers) -> Iterable[str]:
    if numbers.is_steady is False:
        yield "never steady"
    if numbers.others_cores is not None and numbers.others_cores > MAX_CONTENTION:
        yield "others were busy"
