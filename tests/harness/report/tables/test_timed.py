"""Times round by round, what the fixed model beside them takes away, and what it tells of the machine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols

from harness.plan.trial import TimingTrial, TimingWork
from harness.record.recorded import RecordedTiming
from harness.report.tables.timed import Process, Rated, Timed, timed_of
from harness.statistics.covariate import slope_of
from harness.suite.protocol import TimingProtocol
from harness.worker.numbers import TimingNumbers
from harness.worker.timing.contention import MAX_CONTENTION

ONE, OTHER = ("one", "mnist"), ("other", "mnist")


def processes(seconds: list[float], fixed: list[float] | None = None, node: str = "a", **more: Any) -> list[Process]:
    """A row's processes, from round 0 on, on one machine."""
    return [
        Process((number, node), each, fixed[number] if fixed is not None else None, **more)
        for number, each in enumerate(seconds)
    ]


def rated(timed: Timed, name: tuple[str, str] = ONE, other: tuple[str, str] = OTHER) -> Rated:
    """A ratio that is there."""
    found = timed.ratio(name, other)
    assert found is not None
    return found


def machine(seed: int, slope: float, noise: float = 0.01, rounds: int = 16, slower: float = 1.0) -> Timed:
    """Two rows, one of which takes three times as long, and the fixed model, on a machine that changes all the time.

    Arguments:
        slope: how the logarithms of the rows' times follow that of the fixed model.
    """
    random = np.random.default_rng(seed)
    made = {}
    for name, base in ((ONE, 3.0), (OTHER, 1.0)):
        state = random.normal(0, 0.2, rounds)
        seconds = base * slower * np.exp(slope * state + random.normal(0, noise, rounds))
        made[name] = processes(seconds.tolist(), (0.1 * slower * np.exp(state)).tolist())
    return Timed(made)


def test_a_ratio_is_taken_block_by_block_on_the_same_machine() -> None:
    ours = [Process((0, "a"), 2.0), Process((1, "a"), 6.0), Process((2, "b"), 8.0), Process((3, "a"), 5.0)]
    theirs = [Process((0, "a"), 1.0), Process((1, "a"), 2.0), Process((2, "a"), 3.0), Process((4, "a"), 1.0)]
    found = rated(Timed({ONE: ours, OTHER: theirs}))
    assert found.ratio.value == pytest.approx(math.sqrt(2 * 3))
    assert found.ratio.rounds == 2
    assert found.ratio.interval() is None
    assert Timed({ONE: ours, OTHER: theirs[3:]}).ratio(ONE, OTHER) is None
    assert Timed({ONE: ours}).ratio(ONE, OTHER) is None
    assert rated(Timed({ONE: ours}), ONE, ONE).ratio.value == 1


def test_the_order_of_the_processes_does_not_matter() -> None:
    found = machine(1, 0.7)
    shuffled = Timed({ONE: list(found.processes[ONE])[::-1], OTHER: found.processes[OTHER]})
    assert rated(shuffled).ratio.value == pytest.approx(rated(found).ratio.value)


def test_without_a_fixed_model_it_is_students_t_of_the_logarithms() -> None:
    ours, theirs = [2.0, 2.4, 1.9, 2.2], [1.0, 1.1, 1.05, 0.97]
    timed = Timed({ONE: processes(ours), OTHER: processes(theirs)})
    expected = stats.ttest_rel(np.log(ours), np.log(theirs))
    found = rated(timed).ratio
    assert (found.p(1), found.interval()) == (
        pytest.approx(expected.pvalue),
        pytest.approx(tuple(np.exp(expected.confidence_interval(0.95)))),
    )
    assert (timed.slope.value, timed.slope.lowers) == (0, 0)
    assert not timed.has_fixed
    assert timed.drift() is None
    assert timed.logs(ONE) == pytest.approx(np.log(ours))
    assert timed.beside_fixed(ONE) == []


def test_the_slope_is_within_rows_and_blocks_of_a_machine() -> None:
    """A machine that is slower, or is in a round, and a row that takes longer are no part of it."""
    random = np.random.default_rng(2)
    made: dict[tuple[str, str], list[Process]] = {ONE: [], OTHER: []}
    known = []
    for node, level in (("a", 1.0), ("b", 5.0)):
        rounds = random.normal(0, 0.3, 12)
        for name, more in ((ONE, 1.0), (OTHER, 3.0)):
            fixed = level * np.exp(rounds + random.normal(0, 0.2, 12))
            seconds = more * level**2 * np.exp(0.5 * (np.log(fixed) + rounds) + random.normal(0, 0.02, 12))
            made[name] += processes(seconds.tolist(), fixed.tolist(), node)
            known += [
                (np.log(s), np.log(f), (*name, node), (n, node))
                for n, (s, f) in enumerate(zip(seconds, fixed, strict=True))
            ]
    made[ONE].append(Process((99, "a"), 1000.0))  # by which no fixed model was timed
    expected = slope_of(*(list(each) for each in zip(*known, strict=True)))
    assert Timed(made).slope.value == pytest.approx(expected.value)
    assert 0.45 < expected.value < 0.55


def test_a_fixed_model_that_explains_all_leaves_the_ratio_without_a_spread() -> None:
    timed = machine(3, 1.0, noise=0.0)
    found = rated(timed).ratio
    assert timed.slope.value == pytest.approx(1)
    assert found.value == pytest.approx(3)
    assert found.interval() == pytest.approx((3, 3))


@pytest.mark.parametrize("slope", [0.4, 0.8, 1.0])
def test_a_fixed_model_that_the_rows_follow_narrows_the_interval(slope: float) -> None:
    timed = machine(4, slope)
    without = Timed({name: [Process(p.block, p.seconds) for p in each] for name, each in timed.processes.items()})
    with_fixed, raw = rated(timed).ratio.interval(), rated(without).ratio.interval()
    assert with_fixed is not None
    assert raw is not None
    assert timed.slope.value == pytest.approx(slope, abs=0.05)
    assert math.log(with_fixed[1] / with_fixed[0]) < math.log(raw[1] / raw[0]) / 4
    assert with_fixed[0] < 3 < with_fixed[1]


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_a_fixed_model_that_the_rows_do_not_follow_changes_nothing(slope: float) -> None:
    """Its own noise, which is larger than theirs, or the opposite of what they do, is not divided by."""
    timed = machine(7, slope)
    without = Timed({name: [Process(p.block, p.seconds) for p in each] for name, each in timed.processes.items()})
    assert abs(timed.slope.value) < 0.03
    assert rated(timed).ratio.value == pytest.approx(rated(without).ratio.value, rel=0.01)
    if slope < 0:
        assert rated(timed) == rated(without)


def test_a_process_without_the_fixed_model_is_compared_as_it_was_measured() -> None:
    """Else the time of the fixed model itself, a tenth of a second, would count as the machine's state."""
    timed = machine(5, 1.0, noise=0.001)
    ours = list(timed.processes[ONE])
    ours[2] = Process(ours[2].block, 3 * timed.processes[OTHER][2].seconds)
    mixed = Timed({ONE: ours, OTHER: timed.processes[OTHER]})
    assert mixed.slope.value > 0.9
    assert not mixed.has_fixed
    assert rated(mixed).ratio.value == pytest.approx(3, rel=0.01)


def test_flagged_blocks_are_counted_and_left_out_beside() -> None:
    ours = [Process((n, "a"), s) for n, s in enumerate([2.0, 2.2, 9.0, 2.1, 8.0])]
    theirs = processes([1.0] * 5)
    ours[2] = Process((2, "a"), 9.0, flags=("never steady",))
    theirs[4] = Process((4, "a"), 1.0, flags=("others were busy",), change=1.25)
    found = rated(Timed({ONE: ours, OTHER: theirs}))
    assert found.ratio.value == pytest.approx(stats.gmean([2.0, 2.2, 9.0, 2.1, 8.0]))
    assert found.unflagged is not None
    assert found.unflagged.value == pytest.approx(stats.gmean([2.0, 2.2, 2.1]))
    assert (found.ratio.rounds, found.unflagged.rounds, found.flagged) == (5, 3, 2)
    assert found.flags == (
        "never steady",
        "others were busy",
        "the machine changed by more than 20% meanwhile",
    )
    assert (rated(Timed({ONE: ours[:2], OTHER: theirs})).unflagged, rated(Timed({ONE: ours[:2]}), ONE, ONE).flags) == (
        None,
        (),
    )
    all_flagged = rated(Timed({ONE: ours[2:3], OTHER: theirs}))
    assert (all_flagged.unflagged, all_flagged.flagged, all_flagged.ratio.value) == (None, 1, pytest.approx(9))


@pytest.mark.parametrize(("change", "drifts"), [(1.0, False), (1.19, False), (1 / 1.19, False), (1.21, True)])
def test_a_machine_that_changed_meanwhile(change: float, drifts: bool) -> None:
    for each in (change, 1 / change):
        process = Process((0, "a"), 1.0, flags=("never steady",), change=each)
        assert process.is_drifting == drifts
        assert len(process.caveats) == 1 + drifts


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, -1.0])
@pytest.mark.parametrize("slower", [3.0, 0.1])
def test_beside_the_fixed_model_a_slower_machine_makes_no_difference(slope: float, slower: float) -> None:
    """Whatever the slope: the level of all of a round is divided by, wholly."""
    before, after = machine(6, slope), machine(6, slope, slower=slower)
    assert after.slope.value == pytest.approx(before.slope.value)
    assert after.beside_fixed(ONE) == pytest.approx(before.beside_fixed(ONE))
    assert after.logs(ONE) == pytest.approx([log + math.log(slower) for log in before.logs(ONE)])
    assert before.has_fixed


def test_beside_the_fixed_model_against_its_formula() -> None:
    """log time − mean of the round's log fixed times − slope · (own log fixed time − that mean)."""
    timed = machine(8, 0.6)
    levels = [
        np.mean([math.log(p.fixed or math.nan) for p in each]) for each in zip(*timed.processes.values(), strict=True)
    ]
    expected = [
        math.log(p.seconds) - level - timed.slope.value * (math.log(p.fixed or math.nan) - level)
        for p, level in zip(timed.processes[ONE], levels, strict=True)
    ]
    assert 0.5 < timed.slope.value < 0.7
    assert timed.beside_fixed(ONE) == pytest.approx(expected)


def test_rounds_without_the_fixed_model_are_left_out_beside_it_and_those_of_another_row_tell_of_the_machine() -> None:
    timed = Timed(
        {
            ONE: [Process((0, "a"), 2.0), Process((1, "a"), 2.0), Process((1, "b"), 2.0)],
            OTHER: [Process((0, "a"), 1.0, 0.5), Process((2, "a"), 1.0)],
        }
    )
    assert timed.beside_fixed(ONE) == pytest.approx([math.log(2.0 / 0.5)])
    assert not timed.has_fixed
    assert not Timed().has_fixed
    assert Timed().beside_fixed(ONE) == Timed().logs(ONE) == []


def test_a_drift_against_least_squares() -> None:
    random = np.random.default_rng(9)
    levels = 0.05 * np.arange(6) + random.normal(0, 0.02, 6)
    fitted = ols("level ~ round", pd.DataFrame({"level": levels, "round": range(6)})).fit()
    found = Timed({ONE: processes([1.0] * 6, np.exp(levels).tolist())}).drift()
    assert found is not None
    assert found.change == pytest.approx(math.exp(5 * fitted.params["round"]))
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(5 * fitted.conf_int().loc["round"])))
    assert found.spread == pytest.approx(math.exp(levels.std(ddof=1)) - 1)
    assert found.low < math.exp(0.25) < found.high


def test_a_drift_is_that_of_the_rounds_whatever_rows_were_timed_in_them() -> None:
    levels = [0.1, 0.12, 0.15, 0.2]
    timed = Timed({ONE: processes([1.0] * 4, levels), OTHER: processes([5.0] * 4, [4 * each for each in levels])})
    alone = Timed({ONE: processes([1.0] * 4, levels)})
    one, both = alone.drift(), timed.drift()
    assert one is not None
    assert both is not None
    assert (both.change, both.low, both.high) == pytest.approx((one.change, one.low, one.high))


def test_another_machine_is_no_drift() -> None:
    """One line for both, each from its own level: rounds 0 to 3 on one, 2 to 6 on another, twice as slow."""
    random = np.random.default_rng(10)
    lines = [(n, "a", 0.03 * n + random.normal(0, 0.01)) for n in range(4)]
    lines += [(n, "b", 0.7 + 0.03 * n + random.normal(0, 0.01)) for n in range(2, 7)]
    fitted = ols("level ~ round + C(node)", pd.DataFrame(lines, columns=["round", "node", "level"])).fit()
    found = Timed({ONE: [Process((n, node), 1.0, math.exp(level)) for n, node, level in lines]}).drift()
    assert found is not None
    assert found.change == pytest.approx(math.exp(4 * fitted.params["round"]))  # over the longer of the two
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(4 * fitted.conf_int().loc["round"])))
    assert found.spread < 0.1


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_of_two_rounds_no_drift_is_told(rounds: int) -> None:
    assert Timed({ONE: processes([1.0] * rounds, [0.1, 0.2][:rounds])}).drift() is None
    apart = [Process((n, str(n)), 1.0, 0.1 * (n + 1)) for n in range(5)]  # each round on a machine of its own
    assert Timed({ONE: apart}).drift() is None


def test_the_trend_within_the_timed_samples() -> None:
    trends = [1.05, 1.02, 1.08, 1.03]
    made = [Process((n, "a"), 1.0, trend=trend) for n, trend in enumerate(trends)]
    found = Timed({ONE: [*made, Process((9, "a"), 1.0)]}).trend(ONE)
    assert found is not None
    assert found.value == pytest.approx(stats.gmean(trends))
    assert found.p(1) == pytest.approx(stats.ttest_1samp(np.log(trends), 0).pvalue)
    assert Timed().trend(ONE) is None


def trial(number: int) -> TimingTrial:
    work = TimingWork(protocol=TimingProtocol(batch_size=10, rounds=3, threads=1), learning_rate=0.1)
    known: dict[str, Any] = {"row": 0, "variant": "one", "label": "", "config": {}, "task": "mnist"}
    return TimingTrial(key=f"timing {number}", round=number, work=work, **known)


def read(*numbers: TimingNumbers, node: str = "x") -> list[Process]:
    """The processes of recorded trials, a round each."""
    machine = {"node": node} if node else {}
    found = [
        RecordedTiming(key=f"timing {n}", status="done", numbers=each, machine=machine)
        for n, each in enumerate(numbers)
    ]
    trials = [trial(number) for number in range(len(numbers) + 1)]  # the last one is not recorded
    return list(timed_of(trials, {each.key: each for each in found}).processes.get(ONE, ()))


def test_processes_are_read_from_the_record() -> None:
    busy = MAX_CONTENTION + 0.01
    [found] = read(
        TimingNumbers(
            median_seconds=2.0,
            sentinel_before_seconds=0.1,
            sentinel_after_seconds=0.4,
            trend=1.1,
            is_steady=False,
            others_cores=busy,
        )
    )
    flags = ("never steady", "others were busy")
    about: Any = pytest.approx
    assert found == Process((0, "x"), 2.0, about(0.2), flags, 1.1, about(4))
    [least] = read(TimingNumbers(median_seconds=2.0), node="")
    assert least == Process((0, ""), 2.0)
    [quiet] = read(TimingNumbers(median_seconds=2.0, is_steady=True, others_cores=MAX_CONTENTION))
    assert quiet.caveats == ()


def test_what_a_trial_lacks_is_not_known_of_it() -> None:
    found = read(
        TimingNumbers(median_seconds=2.0, sentinel_before_seconds=0.1, sentinel_after_seconds=0.1),
        TimingNumbers(median_seconds=3.0),
        TimingNumbers(),
        TimingNumbers(median_seconds=0.0),
        TimingNumbers(median_seconds=4.0, sentinel_before_seconds=0.1),
        TimingNumbers(median_seconds=5.0, sentinel_before_seconds=0.1, sentinel_after_seconds=0.0, trend=0.0),
    )
    assert [(each.block[0], each.seconds) for each in found] == [(0, 2.0), (1, 3.0), (4, 4.0), (5, 5.0)]
    assert [each.fixed for each in found] == [pytest.approx(0.1), None, None, None]
    assert [each.change for each in found] == [1, 1, 1, 1]
    assert [each.trend for each in found] == [None] * 4


def test_an_empty_record_has_no_times() -> None:
    assert timed_of([trial(0)], {}) == Timed({})
