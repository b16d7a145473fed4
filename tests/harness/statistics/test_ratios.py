"""Ratios against Student's t of their logarithms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.statistics.ratios import Ratio, ratio_of


def ratio(values: list[float], base: list[float]) -> Ratio:
    """Of numbers round by round."""
    found = ratio_of([math.log(value / other) for value, other in zip(values, base, strict=True)])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("values", "base"),
    [
        ([0.2, 0.22, 0.25], [1.7, 1.6, 1.9]),
        ([0.5, 0.51, 0.49, 0.9, 0.52], [1.0, 1.1, 0.9, 1.0, 1.05]),
    ],
)
def test_a_ratio_is_students_t_of_the_logarithms(values: list[float], base: list[float]) -> None:
    logs = np.log(np.array(values) / np.array(base))
    found, expected = ratio(values, base), stats.ttest_1samp(logs, 0)
    assert found.value == pytest.approx(stats.gmean(np.array(values) / np.array(base)))
    assert found.rounds == len(values)
    for level in (0.05, 0.01):
        assert found.interval(level) == pytest.approx(tuple(np.exp(expected.confidence_interval(1 - level))))
    for truth in (0.5, 0.7, 1.0):
        assert found.p(truth) == pytest.approx(stats.ttest_1samp(logs, math.log(truth)).pvalue)


def test_a_ratio_the_other_way_round_is_its_inverse() -> None:
    one, other = [0.2, 0.22, 0.25], [1.7, 1.6, 1.9]
    there, back = ratio(one, other), ratio(other, one)
    ends, inverse = there.interval(), back.interval()
    assert ends is not None
    assert inverse is not None
    assert there.value * back.value == pytest.approx(1)
    assert (ends[0] * inverse[1], ends[1] * inverse[0]) == pytest.approx((1, 1))
    assert there.p(0.2) == pytest.approx(back.p(5))


@pytest.mark.parametrize("rounds", [1, 2])
def test_of_fewer_than_three_rounds_the_spread_is_not_known(rounds: int) -> None:
    found = ratio([3.0, 3.3][:rounds], [2.0, 2.2][:rounds])
    assert (found.value, found.rounds) == (pytest.approx(1.5), rounds)
    assert found.interval() is None
    assert found.p(1) is None


@pytest.mark.parametrize("undefined", [math.nan, math.inf, -math.inf])
def test_what_is_no_time_gives_no_ratio(undefined: float) -> None:
    assert ratio_of([0.1, undefined, 0.2]) is None
    assert ratio_of([]) is None


def test_a_spread_of_zero_shows_nothing() -> None:
    found = ratio([0.3, 0.6, 0.9], [0.1, 0.2, 0.3])
    assert found.value == pytest.approx(3)
    assert found.p(1) == 1


@pytest.mark.parametrize("rounds", [3, 5, 10])
def test_the_interval_holds_the_truth_as_often_as_stated(rounds: int) -> None:
    """A bootstrap over three rounds would hold it 76 times in 100."""
    random = np.random.default_rng(6)
    held = 0
    for _ in range(1000):
        machine = np.exp(random.normal(0, 0.1, rounds))  # what both have in common
        one, other = (machine * np.exp(random.normal(0, 0.05, rounds)) for _ in range(2))
        ends = ratio(one.tolist(), other.tolist()).interval()
        assert ends is not None
        held += ends[0] <= 1 <= ends[1]
    assert 0.93 <= held / 1000 <= 0.97
