"""Machines that are faster and slower meanwhile, and the processes that time rows on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import numpy as np

from harness.plan.order import in_mirrored_rounds
from harness.plan.trial import TimingTrial, TimingWork
from harness.report.tables.timed import Process, Timed
from harness.suite.protocol import TimingProtocol
from tests.harness.report.simulations.reports import TASK


@dataclass(frozen=True)
class Machine:
    """What happens to times, all as standard deviations of logarithms if nothing else is said.

    noise: of each process by itself.
    skewed: whether noise is that of medians of iterations of which some take longer, and of disturbed processes.
    rounds: the machine's level, which differs from round to round.
    places: likewise from process to process; the fixed model beside it feels both.
    drift: the machine's time at the end of the run over that at its beginning, steady in between.
    """

    noise: float = 0.03
    skewed: bool = False
    rounds: float = 0.0
    places: float = 0.0
    drift: float = 1.0


@dataclass(frozen=True)
class Fixed:
    """The fixed model beside each process: its own noise, and whether it feels what the machine does."""

    noise: float = 0.01
    feels: bool = True


def timed(
    random: np.random.Generator,
    seconds: Sequence[float],
    rounds: int,
    machine: Machine,
    fixed: Fixed | None,
    fixed_seconds: float = 1.0,
) -> Timed:
    """Rows called `row 0`, `row 1` … of these true seconds, each in a process a round."""
    shape = (rounds, len(seconds))
    order = orders(random, *shape)
    levels = random.normal(0, machine.rounds, (rounds, 1)) + random.normal(0, machine.places, shape)
    levels = levels + math.log(machine.drift) * (order + len(seconds) * np.arange(rounds)[:, None]) / (order.size - 1)
    logs = np.log(seconds) + levels + _noise(random, shape, machine)
    beside = (levels if fixed is None or fixed.feels else 0) + random.normal(0, fixed.noise if fixed else 0, shape)

    def process(number: int, row: int) -> Process:
        of_fixed = fixed_seconds * math.exp(beside[number, row]) if fixed is not None else None
        return Process((number, "here"), math.exp(logs[number, row]), of_fixed)

    processes = {(f"row {row}", TASK): [process(n, row) for n in range(rounds)] for row in range(len(seconds))}
    return Timed(processes)


def orders(random: np.random.Generator, rounds: int, rows: int) -> np.ndarray:
    """The place of each row in each round, as the harness draws them, (rounds, rows)."""
    places = np.empty((rounds, rows), dtype=int)
    drawn = in_mirrored_rounds(_processes(rounds, rows), Random(int(random.integers(2**32))))
    for number, process in enumerate(drawn):
        places[process.round, process.row] = number % rows
    return places


WORK = TimingWork(protocol=TimingProtocol(), learning_rate=0.001)


@cache
def _processes(rounds: int, rows: int) -> list[TimingTrial]:
    known: dict[str, Any] = {"variant": "row", "config": {}, "task": TASK}
    return [
        TimingTrial(key=f"{row} {number}", row=row, label=str(row), round=number, work=WORK, **known)
        for row in range(rows)
        for number in range(rounds)
    ]


def _noise(random: np.random.Generator, shape: tuple[int, int], machine: Machine, iterations: int = 20) -> np.ndarray:
    if not machine.skewed:
        return random.normal(0, machine.noise, shape)
    each = np.exp(random.normal(0, 0.1, (*shape, iterations))) * np.where(
        random.random((*shape, iterations)) < 0.05, 1.65, 1.0
    )
    disturbed = np.where(random.random(shape) < 0.05, random.uniform(1.05, 1.5, shape), 1.0)
    found: np.ndarray = np.log(np.median(each, axis=-1) * disturbed)
    return found
