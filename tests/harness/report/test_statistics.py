"""Uncertainties, against the formulas written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.report.statistics import MOST_EXACT, Estimate, error_over_seeds, mean_over_processes, ratio_over_blocks

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
    assert found.low == pytest.approx(mean - T[n - 1] * error)
    assert found.high == pytest.approx(mean + T[n - 1] * error)
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


def percentile(values: list[float], percent: float) -> float:
    """By linear interpolation between the ordered values."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def tail(n: int) -> float:
    """Percent of the resamples beyond each end of the expanded interval: Φ(−√(n/(n−1)) t)."""
    return 50 * math.erfc(math.sqrt(n / (n - 1)) * T[n - 1] / math.sqrt(2))


@pytest.mark.parametrize(
    ("values", "base"),
    [
        ([2.0, 2.2], [1.0, 1.0]),
        ([0.2, 0.22, 0.25], [1.7, 1.6, 1.9]),
        ([0.5, 0.51, 0.49, 0.9, 0.52], [1.0, 1.1, 0.9, 1.0, 1.05]),
        ([1.0] * MOST_EXACT, [2.0] * MOST_EXACT),
    ],
)
def test_ratio_and_its_bootstrap_over_every_resample(values: list[float], base: list[float]) -> None:
    logs = [math.log(value / other) for value, other in zip(values, base, strict=True)]
    n = len(logs)
    means = [sum(chosen) / n for chosen in itertools.product(logs, repeat=n)]
    found = ratio_over_blocks(values, base)
    assert found.mean == pytest.approx(math.prod(v / b for v, b in zip(values, base, strict=True)) ** (1 / n))
    assert found.low == pytest.approx(math.exp(percentile(means, tail(n))))
    assert found.high == pytest.approx(math.exp(percentile(means, 100 - tail(n))))
    spread = math.sqrt(sum((x - sum(logs) / n) ** 2 for x in logs) / (n - 1))
    assert found.standard_error == pytest.approx(found.mean * spread / math.sqrt(n), abs=1e-12)
    assert (found.n, found.over) == (n, "blocks")


def test_more_blocks_are_resampled_at_random_but_always_alike() -> None:
    random = np.random.Generator(np.random.PCG64(5))
    values, base = np.exp(random.normal(0.7, 0.1, 10)).tolist(), [1.0] * 10
    found = ratio_over_blocks(values, base)
    assert found == ratio_over_blocks(values, base)
    logs = np.log(values)
    own = np.random.Generator(np.random.PCG64(77))
    means = [np.mean(own.choice(logs, 10)) for _ in range(20_000)]
    assert found.low == pytest.approx(math.exp(percentile(means, tail(10))), rel=0.01)
    assert found.high == pytest.approx(math.exp(percentile(means, 100 - tail(10))), rel=0.01)


@pytest.mark.parametrize("n", [5, 10])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_stated(n: int) -> None:
    """A plain percentile interval of 5 blocks would hold it 84 times in 100."""
    random = np.random.Generator(np.random.PCG64(6))
    held = 0
    for _ in range(400):
        blocks = np.exp(random.normal(0, 0.1, n))  # what both have in common
        one, other = (blocks * np.exp(random.normal(0, 0.05, n)) for _ in range(2))
        found = ratio_over_blocks(one.tolist(), other.tolist())
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1 <= found.high
    assert 0.91 <= held / 400 <= 0.985


def test_a_ratio_the_other_way_round_is_its_inverse() -> None:
    one, other = [0.2, 0.22, 0.25], [1.7, 1.6, 1.9]
    there, back = ratio_over_blocks(one, other), ratio_over_blocks(other, one)
    assert there.mean * back.mean == pytest.approx(1)
    assert there.low is not None
    assert back.high is not None
    assert there.low * back.high == pytest.approx(1)


def test_a_ratio_of_one_block() -> None:
    assert ratio_over_blocks([3.0], [2.0]) == Estimate(pytest.approx(1.5), None, None, None, 1, "blocks")
