"""The rates of all procedures at full size, as tables of Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from tests.harness.report.simulations import capsules, errors, times, twice
from tests.harness.report.simulations.chances import Mean, Run, simulate
from tests.harness.report.simulations.errors import (
    LADDER,
    claimed_of_errors,
    compared,
    each_asked,
    mean_claimed,
    measured,
    shown,
    study,
    valued,
)
from tests.harness.report.simulations.machines import Fixed, Machine
from tests.harness.report.simulations.mistakes import Method

IMAGES = 10_000
FEWER = 2500  # where only rates are asked for, which hardly depend on them
SPREADS = (0.0, 0.3, 1.0, 2.0)
MACHINES = {
    "independent noise": Machine(),
    "drift of 1.5": Machine(drift=1.5),
    "levels of rounds and processes": Machine(rounds=0.1, places=0.03),
    "skewed noise": Machine(skewed=True),
}
BESIDE: dict[str, Fixed | None] = {
    "none": None,
    "good": Fixed(),
    "noisy": Fixed(noise=0.15),
    "useless": Fixed(noise=0.05, feels=False),
}


@dataclass(frozen=True)
class Table:
    """A table: what its lines are about, their columns, and how they are made with so many runs each."""

    about: str
    columns: Sequence[str]
    lines: Callable[[int], Iterator[Sequence[object]]]
    runs: int

    def markdown(self, factor: float = 1.0) -> Iterator[str]:
        """Line by line, with so many times its runs."""
        runs = max(20, round(self.runs * factor))
        error = math.sqrt(0.05 * 0.95 / runs)
        yield f"{self.about}; {runs:,} runs a line, which leave a standard error of {error:.3f} at 0.05:"
        yield ""
        yield _line(self.columns)
        yield "|:--|" + "--:|" * (len(self.columns) - 1)
        for cells in self.lines(runs):
            yield _line([str(cell) for cell in cells])
        yield ""


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _all(found: dict[str, Mean], *names: str) -> list[Mean]:
    return [found[name] for name in names]


def _pairs(runs: int) -> Iterator[Sequence[object]]:
    for own, seeds, sd in product((0.0, 0.5), (2, 3, 6, 10), SPREADS):
        each = Method(sd=sd, seeds=seeds)
        equal = simulate(compared(each, each, IMAGES, own), runs)
        better = simulate(compared(Method(9.5, sd, seeds), each, IMAGES, own), runs)
        hard = "the same" if own == 0 else "half others"
        yield hard, seeds, sd, *_all(equal, "found", "images", "mcnemar"), better["held"]


def _unequal(runs: int) -> Iterator[Sequence[object]]:
    for (seeds, others), (sd, other) in product(
        ((18, 6), (2, 6), (6, 2), (6, 6)), ((0.5, 0.5), (1.0, 1.0), (0.5, 2.0), (2.0, 0.5))
    ):
        first, second = Method(sd=sd, seeds=seeds), Method(sd=other, seeds=others)
        equal = simulate(compared(first, second, IMAGES), runs)
        better = simulate(compared(Method(9.5, sd, seeds), second, IMAGES), runs)
        yield f"{seeds} and {others}", f"{sd} and {other}", equal["found"], better["held"]


def _low(runs: int) -> Iterator[Sequence[object]]:
    for seeds, sd in product((2, 3, 6), (0.0, 0.03, 0.06, 0.1)):
        each = Method(0.5, sd, seeds)
        equal = simulate(compared(each, each, IMAGES), runs)
        better = simulate(compared(each, Method(0.75, sd, seeds), IMAGES), runs)
        yield seeds, sd, equal["found"], better["held"], better["better"]


def _rows(runs: int) -> Iterator[Sequence[object]]:
    for (percent, sd), seeds in product(
        ((12.5, 0.0), (12.5, 0.5), (12.5, 2.0), (0.5, 0.0), (0.5, 0.06)), (2, 3, 6, 10)
    ):
        found = simulate(measured(Method(percent, sd, seeds), IMAGES), runs)
        yield percent, sd, seeds, found["held"], f"{found['width'].value:.2f}"


def _detectable(runs: int) -> Iterator[Sequence[object]]:
    for seeds, sd in product((2, 3, 6, 10), (0.3, 1.0, 2.0)):
        found = shown(seeds, sd, IMAGES, runs)
        yield seeds, sd, f"{found['detectable']:.2f}", f"{found['shown']:.3f}"


def _contrasts(runs: int) -> Iterator[Sequence[object]]:
    def rows_of(sd: float, seeds: Sequence[int], error: float = 12.5) -> list[Method]:
        return [Method(error, sd, n) for n in seeds]

    all_six, lost, one_left = [6] * 6, [6] * 5 + [5], [6] * 5 + [1]
    for (sd, other), seeds, others in product(((0.5, 0.5), (0.5, 2.0), (2.0, 0.5)), (all_six, lost, one_left), (6, 18)):
        found = simulate(mean_claimed(rows_of(sd, seeds), Method(sd=other, seeds=others), FEWER), runs)
        told = "6 × 6" if seeds is all_six else f"5 × 6 and {seeds[-1]}"
        yield f"{told}, {others}", f"{sd} and {other}", "equal", *_all(found, "reproduced", "contradicted", "held")
    mixed = [Method(sd=sd, seeds=6) for sd in (0.25, 0.25, 0.5, 0.5, 2.0, 2.0)]
    found = simulate(mean_claimed(mixed, Method(seeds=6), FEWER), runs)
    yield "6 × 6, 6", "0.25 to 2 and 0.5", "equal", *_all(found, "reproduced", "contradicted", "held")
    for sd, others in product((0.5, 2.0), (6, 18)):
        found = simulate(mean_claimed(rows_of(sd, all_six, 8.5), Method(sd=sd, seeds=others), FEWER, by=4), runs)
        values = _all(found, "reproduced", "contradicted", "held")
        yield f"6 × 6, {others}", f"{sd} and {sd}", "4 lower, claimed 4", *values


def _conjunctions(runs: int) -> Iterator[Sequence[object]]:
    for sd, seeds in product((0.0, 0.5, 2.0), (3, 6)):
        equal, lower = Method(sd=sd, seeds=seeds), Method(4.5, sd, seeds)
        five = simulate(claimed_of_errors([errors.EACH], [lower] * 5 + [equal], [equal], FEWER), runs)
        none = simulate(claimed_of_errors([errors.EACH], [equal] * 6, [equal], FEWER), runs)
        lowest = simulate(claimed_of_errors([errors.LOWEST], [equal] * 4, [], FEWER), runs)
        each = simulate(each_asked([lower] * 5 + [equal], equal, FEWER), runs)
        told = five["reproduced"], none["contradicted"], none["reproduced"]
        yield sd, seeds, *told, *_all(lowest, "reproduced", "contradicted"), each["mean"], each["each"]


def _families(runs: int) -> Iterator[Sequence[object]]:
    for sd, (seeds, others) in product((0.0, 0.5, 2.0), ((2, 2), (3, 3), (6, 6), (6, 18))):
        six, two = [Method(sd=sd, seeds=seeds)] * LADDER, [Method(sd=sd, seeds=others)] * 2
        found = simulate(claimed_of_errors(errors.FAMILY, six, two, FEWER), runs)
        yield f"6 × {seeds}, {others}, {others}", sd, *_all(found, "decided", "reproduced", "contradicted")


def _ratios(runs: int) -> Iterator[Sequence[object]]:
    for count, (machine, how), rounds in product((8, 3), MACHINES.items(), (3, 4, 6, 10)):
        found = {name: simulate(times.rated(rounds, how, fixed, count), runs) for name, fixed in BESIDE.items()}
        widths = [f"{each['half'].value / found['none']['half'].value:.2f}" for each in found.values()]
        yield count, machine, rounds, *(each["held"] for each in found.values()), *widths[1:]


def _values(runs: int) -> Iterator[Sequence[object]]:
    for (percent, sd, within), seeds in product(((12.5, 1.0, 2.0), (0.39, 0.06, 0.2)), (2, 3, 6, 12)):
        edge = simulate(valued(Method(percent + within, sd, seeds), percent, within, IMAGES), runs)
        exact = simulate(valued(Method(percent, sd, seeds), percent, within, IMAGES), runs)
        yield f"{percent} ± {within}", sd, seeds, *_all(edge, "reproduced", "contradicted"), exact["reproduced"]


def _kinds(runs: int) -> Iterator[Sequence[object]]:
    cases: dict[tuple[str, str], Run] = {}
    for seeds in ((3, 3), (4, 4), (6, 6), (10, 10), (3, 9)):
        cases["`clearer_separation`", f"{seeds[0]} and {seeds[1]} seeds, equally clear"] = capsules.separated(*seeds)
    for n in (2, 3, 6, 10):
        cases["`coupling_follows_activity`", f"{n} seeds, smooth couplings that follow nothing"] = capsules.coupled(n)
    for rounds, (name, machine) in product((3, 6, 10), MACHINES.items()):
        bound = times.bounded(rounds, machine, at_most=times.RATIO)
        cases["`time_ratio`, one bound", f"{rounds} rounds, {name}"] = bound
    for rounds in (3, 6, 10):
        six = times.bounded(rounds, Machine(), of=6, at_least=times.RATIO, at_most=1.8)
        cases["`time_ratio`, six rows on one of two bounds", f"{rounds} rounds"] = six
    for (kind, case), run in cases.items():
        yield kind, case, *_all(simulate(run, runs), "reproduced", "contradicted")


def _two_runs(runs: int) -> Iterator[Sequence[object]]:
    for rounds, (machine, how), (name, fixed) in product((3, 6), MACHINES.items(), list(BESIDE.items())[:3]):
        found = simulate(twice.times(rounds, how, fixed), runs)
        power = simulate(twice.times(rounds, how, fixed, change=0.1), runs)
        case = f"times, {rounds} rounds, {machine}, fixed model: {name}"
        yield case, *_all(found, "any", "regressions"), power["first"]
    for seeds, sd in product((2, 3, 6), (0.0, 0.5, 2.0)):
        found = simulate(twice.errors(seeds, sd, FEWER), runs)
        power = simulate(twice.errors(seeds, sd, FEWER, change=3.0), runs)
        yield f"errors, {seeds} seeds, sd {sd}", *_all(found, "any", "regressions"), power["first"]


DESIGNS = {"8 × 3": (3, 3), "8 × 6": (6, 6), "8 × 9": (9, 9), "18, 18, 6 × 6": (18, 6), "12, 12, 6 × 4": (12, 4)}


def _studies(runs: int) -> Iterator[Sequence[object]]:
    for points, (design, (seeds, each)), sd in product((3.0, 1.0), DESIGNS.items(), (0.25, 0.5, 1.0, 2.0)):
        ladder, other = Method(12.5 - points, sd, each), Method(12.5, sd, seeds)
        found = simulate(study(ladder, other, IMAGES, claims=3), runs)
        yield f"{points:g}", design, sd, *_all(found, "mean", "strict", "each")
    for points, sd in product((0.5, 0.25), (0.03, 0.06, 0.1)):
        found = simulate(study(Method(0.5, sd, 3), Method(0.5 + points, sd, 3), IMAGES, claims=3), runs)
        yield f"{points:g}, above 0.5%", "8 × 3", sd, *_all(found, "mean", "strict", "each")


def _neighbours(runs: int) -> Iterator[Sequence[object]]:
    for points, seeds, sd in product((0.3, 1.0), (3, 4, 6, 9, 18), (0.25, 0.5, 1.0, 2.0)):
        found = simulate(compared(Method(12.5 - points, sd, seeds), Method(12.5, sd, seeds), IMAGES), runs)
        yield f"{points:g}", seeds, sd, found["better"], f"{found['detectable'].value:.2f}"


TABLES = {
    "pairs": Table(
        "Two rows, 12.5%, 10,000 images: found to differ where they don't (nominal 0.05), beside what the images alone "
        "and one seed's models alone would say, and how often the interval holds a difference of 3 points",
        ("hard images", "seeds", "sd", "found", "images alone", "McNemar's of one seed", "holds 3"),
        _pairs,
        1000,
    ),
    "unequal": Table(
        "Two rows that differ in seeds and in the spread between them",
        ("seeds", "sd", "found", "holds 3"),
        _unequal,
        1000,
    ),
    "low": Table(
        "Two rows of an error of 0.5%, and one of 0.75%",
        ("seeds", "sd", "found between equal ones", "holds 0.25", "found"),
        _low,
        1000,
    ),
    "rows": Table(
        "How often the 95% interval of a row of errors holds the method's error",
        ("error", "sd", "seeds", "holds it", "mean width, points"),
        _rows,
        2000,
    ),
    "detectable": Table(
        "How often the difference is shown that is told to be shown four times in five",
        ("seeds a side", "sd", "told on average, points", "shown"),
        _detectable,
        1000,
    ),
    "contrasts": Table(
        "`lower_mean_error`, six rows and another one (each word: nominal 0.025)",
        ("seeds", "sd", "truth", "reproduced", "contradicted", "interval holds it"),
        _contrasts,
        2000,
    ),
    "conjunctions": Table(
        "Claims on each of several rows (each word: nominal 0.05 at most, of two sides 0.025)",
        (
            "sd",
            "seeds",
            "`lower_error`, five of six lower: reproduced",
            "six equal: contradicted",
            "six equal: reproduced",
            "`lowest_error` of four equal: reproduced",
            "contradicted",
            "`lower_mean_error`, five of six lower: reproduced (true)",
            "each row as well (false)",
        ),
        _conjunctions,
        2000,
    ),
    "families": Table(
        "Any false finding in a family of three claims (two `lower_mean_error`, one `lower_error`), nominal 0.05",
        ("seeds", "sd", "any", "reproduced", "contradicted"),
        _families,
        2000,
    ),
    "ratios": Table(
        "How often the 95% interval of a ratio of two rows holds it, by the fixed model beside them, and its width "
        "over that without one",
        (
            "rows timed",
            "machine",
            "rounds",
            *BESIDE,
            *(f"width, {name}" for name in list(BESIDE)[1:]),
        ),
        _ratios,
        4000,
    ),
    "values": Table(
        "`error_value`: the truth on the edge (nominal 0.05 and 0.025), and exact",
        ("claimed", "sd", "seeds", "edge: reproduced", "edge: contradicted", "exact: reproduced"),
        _values,
        4000,
    ),
    "kinds": Table(
        "Other claims, of which nothing is true or the truth is on the bound (each word: nominal 0.025)",
        ("kind", "case", "reproduced", "contradicted"),
        _kinds,
        4000,
    ),
    "two-runs": Table(
        "`compare`, seven rows of two equal runs: any found to differ, `--slower 0 --worse 0` ends with 1; and the row "
        "found that is 10% slower or 3 points worse",
        ("case", "any", "exit code 1", "found that differs"),
        _two_runs,
        1000,
    ),
    "studies": Table(
        "Six rows better than another one by so much: their mean is shown to be lower at 0.05/3, then each row at "
        "0.05/3 and at 0.05",
        ("points", "seeds (others, each of the six)", "sd", "mean", "each row, 0.05/3", "each row, 0.05"),
        _studies,
        500,
    ),
    "neighbours": Table(
        "Two rows that differ by so much, 12.5%: shown at 0.05, and the difference that is told to be shown",
        ("points", "seeds a side", "sd", "shown", "told, points"),
        _neighbours,
        1000,
    ),
}
