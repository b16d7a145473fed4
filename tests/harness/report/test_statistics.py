"""Uncertainties, against the formulas written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.report.statistics import Estimate, error_over_seeds, mean_over_processes, p_of_ratio, ratio_over_blocks

T = {
    1: 12.706204736174694,
    2: 4.302652729749462,
    4: 2.7764451051977934,
    5: 2.570581835636314,
    9: 2.2621571627982053,
}  # of Student's


def wilson(wrong: int, images: int) -> tuple[float, float]:
    """Wilson's interval in percent, as scipy has it."""
    interval = stats.binomtest(wrong, images).proportion_ci(0.95, method="wilson")
    return 100 * interval.low, 100 * interval.high


@pytest.mark.parametrize(("wrong", "images"), [(39, 10_000), (0, 500), (500, 500), (1, 1000), (130, 1000)])
def test_one_seed_is_as_uncertain_as_its_images(wrong: int, images: int) -> None:
    found = error_over_seeds([100 * wrong / images], images)
    assert found.mean == pytest.approx(100 * wrong / images)
    assert (found.low, found.high) == pytest.approx(wilson(wrong, images), abs=1e-9)
    assert found.standard_error == pytest.approx(100 * math.sqrt(wrong / images * (1 - wrong / images) / images))
    assert (found.n, found.over) == (1, "test images")


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.5, 0.3, 0.7], [3.0, 4.0, 5.5, 3.2, 4.1], [1.0, 1.0, 1.0]])
def test_several_seeds(values: list[float]) -> None:
    n = len(values)
    mean = sum(values) / n
    error = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1)) / math.sqrt(n)
    found = error_over_seeds(values, 10_000)
    assert found.mean == pytest.approx(mean)
    assert found.standard_error == pytest.approx(error, abs=1e-12)
    widest = max(error, 100 * math.sqrt(mean / 100 * (1 - mean / 100) / 10_000))  # that of the images, or more
    assert found.low == pytest.approx(max(0, mean - T[n - 1] * widest))
    assert found.high == pytest.approx(mean + T[n - 1] * widest)
    assert (found.n, found.over) == (n, "seeds")


def test_processes() -> None:
    values = [0.2, 0.21, 0.19, 0.205, 0.195]
    found = mean_over_processes(values)
    error = math.sqrt(sum((value - 0.2) ** 2 for value in values) / 4 / 5)
    assert found.mean == pytest.approx(0.2)
    assert found.standard_error == pytest.approx(error)
    assert (found.low, found.high) == pytest.approx((0.2 - T[4] * error, 0.2 + T[4] * error))
    assert (found.n, found.over) == (5, "processes")


def test_of_one_process_nothing_is_known() -> None:
    assert mean_over_processes([0.3]) == Estimate(0.3, None, None, None, 1, "processes")


@pytest.mark.parametrize(
    ("values", "base"),
    [
        ([0.2, 0.22, 0.25], [1.7, 1.6, 1.9]),
        ([0.5, 0.51, 0.49, 0.9, 0.52], [1.0, 1.1, 0.9, 1.0, 1.05]),
        ([1.0] * 6, [2.0] * 6),
    ],
)
def test_ratio_and_students_t_of_its_logarithms(values: list[float], base: list[float]) -> None:
    logs = [math.log(value / other) for value, other in zip(values, base, strict=True)]
    n = len(logs)
    found = ratio_over_blocks(values, base)
    assert found is not None
    assert found.mean == pytest.approx(math.prod(v / b for v, b in zip(values, base, strict=True)) ** (1 / n))
    error = math.sqrt(sum((x - sum(logs) / n) ** 2 for x in logs) / (n - 1) / n)
    assert found.low == pytest.approx(math.exp(sum(logs) / n - T[n - 1] * error))
    assert found.high == pytest.approx(math.exp(sum(logs) / n + T[n - 1] * error))
    assert found.standard_error == pytest.approx(found.mean * error, abs=1e-12)
    assert (found.n, found.over) == (n, "blocks")


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_stated(n: int) -> None:
    """A bootstrap over three blocks would hold it 76 times in 100."""
    random = np.random.Generator(np.random.PCG64(6))
    held = 0
    for _ in range(1000):
        blocks = np.exp(random.normal(0, 0.1, n))  # what both have in common
        one, other = (blocks * np.exp(random.normal(0, 0.05, n)) for _ in range(2))
        found = ratio_over_blocks(one.tolist(), other.tolist())
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1 <= found.high
    assert 0.93 <= held / 1000 <= 0.97


@pytest.mark.parametrize("n", [1, 2])
def test_of_fewer_than_three_blocks_the_spread_is_not_known(n: int) -> None:
    assert ratio_over_blocks([3.0] * n, [2.0] * n) == Estimate(pytest.approx(1.5), None, None, None, n, "blocks")


@pytest.mark.parametrize("time", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_time_gives_no_ratio(time: float) -> None:
    assert ratio_over_blocks([1.0, time, 1.0], [1.0, 1.0, 1.0]) is None
    assert ratio_over_blocks([1.0, 1.0, 1.0], [1.0, 1.0, time]) is None
    assert ratio_over_blocks([], []) is None


def test_a_ratio_the_other_way_round_is_its_inverse() -> None:
    one, other = [0.2, 0.22, 0.25], [1.7, 1.6, 1.9]
    there, back = ratio_over_blocks(one, other), ratio_over_blocks(other, one)
    assert there is not None
    assert back is not None
    assert there.mean * back.mean == pytest.approx(1)
    assert there.low is not None
    assert back.high is not None
    assert there.low * back.high == pytest.approx(1)


def test_p_values_of_a_ratio_are_students() -> None:
    values, base = [0.5, 0.51, 0.49, 0.9, 0.52], [1.0, 1.1, 0.9, 1.0, 1.05]
    ratio = ratio_over_blocks(values, base)
    assert ratio is not None
    logs = np.log(np.array(values) / np.array(base))
    for bound in (0.5, 0.7, 1.0):
        assert p_of_ratio(ratio, [bound]) == pytest.approx(stats.ttest_1samp(logs, math.log(bound)).pvalue)
    assert p_of_ratio(ratio, [0.2, 0.7]) == p_of_ratio(ratio, [0.7])  # the nearer one
    assert p_of_ratio(Estimate(1.5, None, None, None, 2, "blocks"), [1.0]) is None


def test_a_spread_of_zero_tells_nothing() -> None:
    same = ratio_over_blocks([0.3, 0.6, 0.9], [0.1, 0.2, 0.3])
    assert same is not None
    assert p_of_ratio(same, [1.0]) is None


def test_an_interval_of_errors_stays_between_none_and_all() -> None:
    assert error_over_seeds([0.0, 0.2], 1000).low == 0
    assert error_over_seeds([100.0, 99.0], 1000).high == 100
