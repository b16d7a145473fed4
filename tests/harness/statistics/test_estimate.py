"""Estimates against scipy, statsmodels and formulas written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from harness.statistics.estimate import (
    LEVEL,
    POWER,
    Estimate,
    combined,
    difference_of_means,
    mean_of,
    quantile,
    satterthwaite,
)

SAMPLES = [[1.0, 2.0], [0.5, 0.3, 0.7], [3.0, 4.0, 5.5, 3.2, 4.1], [-2.0, 0.1, 0.4, 9.0]]


@pytest.mark.parametrize("values", SAMPLES)
@pytest.mark.parametrize("truth", [0.0, 0.6, -3.0])
def test_a_mean_is_students(values: list[float], truth: float) -> None:
    found, expected = mean_of(values), stats.ttest_1samp(values, truth)
    assert found.value == pytest.approx(sum(values) / len(values))
    assert found.error == pytest.approx(stats.sem(values))
    assert found.freedom == len(values) - 1
    assert found.p(truth) == pytest.approx(expected.pvalue)
    assert found.p_above(truth) == pytest.approx(stats.ttest_1samp(values, truth, alternative="greater").pvalue)
    assert found.p_below(truth) == pytest.approx(stats.ttest_1samp(values, truth, alternative="less").pvalue)
    for level in (LEVEL, 0.05 / 22, 0.3):
        assert found.interval(level) == pytest.approx(tuple(expected.confidence_interval(1 - level)))


@pytest.mark.parametrize("values", SAMPLES)
@pytest.mark.parametrize("others", SAMPLES)
def test_a_difference_of_means_is_welchs(values: list[float], others: list[float]) -> None:
    found, expected = difference_of_means(values, others), stats.ttest_ind(values, others, equal_var=False)
    assert found.value == pytest.approx(np.mean(values) - np.mean(others))
    assert found.freedom == pytest.approx(expected.df)
    assert found.p() == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)))


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.4, 0.6), (0.49, 0.51), (2.0, 3.0), (-math.inf, 1.0)])
def test_between_two_bounds_is_two_one_sided_tests(bounds: tuple[float, float]) -> None:
    values = [0.5, 0.3, 0.7, 0.55, 0.41]
    assert mean_of(values).p_within(*bounds) == pytest.approx(DescrStatsW(values).ttost_mean(*bounds)[0])


def test_a_90_percent_interval_lies_between_the_bounds_exactly_if_the_truth_is_shown_to() -> None:
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        found = mean_of(random.normal(random.uniform(-1, 1), 0.8, 6).tolist())
        low, high = found.interval(2 * LEVEL)
        is_within = low > -1 and high < 1
        assert (found.p_within(-1, 1) < LEVEL) == is_within
        seen.add(is_within)
    assert seen == {True, False}


@pytest.mark.parametrize("freedom", [1.0, 1.7, 2, 4, 9.3, 60, 10_000])
@pytest.mark.parametrize("level", [LEVEL, LEVEL / 3, LEVEL / 22])
def test_what_is_detectable_is_shown_four_times_in_five(freedom: float, level: float) -> None:
    """The power of a t test, from the noncentral distribution."""
    critical = stats.t.ppf(1 - level / 2, freedom)
    shift = Estimate(7.0, 0.25, freedom).detectable(level) / 0.25
    assert stats.nct.sf(critical, freedom, shift) == pytest.approx(POWER, abs=1e-3)


def test_what_is_detectable_where_the_spread_is_known() -> None:
    found = Estimate(7.0, 0.25, math.inf).detectable()
    critical = stats.norm.ppf(0.975)
    assert stats.norm.sf(critical - found / 0.25) == pytest.approx(POWER)
    assert found == pytest.approx(Estimate(7.0, 0.25, 1e7).detectable(), rel=1e-4)


@pytest.mark.parametrize("freedom", [1, 2.5, 30, math.inf])
def test_quantiles_are_students(freedom: float) -> None:
    for share in (0.025, 0.5, 0.9, 0.9999):
        assert quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), abs=1e-9)


def test_infinitely_many_degrees_of_freedom_make_it_normal() -> None:
    found = Estimate(1.0, 0.5, math.inf)
    assert found.p() == pytest.approx(2 * stats.norm.sf(2))
    assert found.interval() == pytest.approx(stats.norm.interval(0.95, 1.0, 0.5))


def test_an_interval_and_a_p_value_never_disagree() -> None:
    random = np.random.default_rng(1)
    for _ in range(500):
        found = Estimate(random.normal(), random.uniform(0.1, 2), random.uniform(1, 20))
        level, truth = random.uniform(0.001, 0.4), random.normal()
        low, high = found.interval(level)
        assert (found.p(truth) < level) == (not low <= truth <= high)


@pytest.mark.parametrize("values", [[0.1] * 3, [0.3, 0.1 + 0.2, 0.3], [7.0, 7.0]])
def test_of_values_that_are_all_the_same_nothing_is_known(values: list[float]) -> None:
    """Whatever rounding leaves of their spread."""
    found = mean_of(values)
    assert not found.has_spread
    for truth in (0.0, 7.0, 100.0):
        assert (found.p(truth), found.p_above(truth), found.p_below(truth)) == (1, 1, 1)
    assert found.p_within(-1000, 1000) == 1


def test_what_is_no_number_shows_nothing() -> None:
    for found in (Estimate(1.0, math.nan, 3), mean_of([1.0, math.nan, 2.0])):
        assert not found.has_spread
        assert found.p() == 1


def test_the_sum_of_estimates_times_factors() -> None:
    """Variances add up with the squares of the factors; the degrees of freedom are those of the formula."""
    one, other, third = Estimate(2.0, 0.3, 4), Estimate(5.0, 0.1, 7), Estimate(-1.0, 0.2, math.inf)
    found = combined([(1.0, one), (-0.5, other), (2.0, third)])
    parts = [0.09, 0.0025, 0.16]
    assert found.value == pytest.approx(2.0 - 2.5 - 2.0)
    assert found.error == pytest.approx(math.sqrt(sum(parts)))
    assert found.freedom == pytest.approx(sum(parts) ** 2 / (0.09**2 / 4 + 0.0025**2 / 7))


def test_degrees_of_freedom() -> None:
    assert satterthwaite([2.0], [5]) == pytest.approx(5)
    assert satterthwaite([2.0, 2.0, 2.0], [5, 5, 5]) == pytest.approx(15)
    assert satterthwaite([0.0, 3.0], [1, 8]) == pytest.approx(8)  # what varies not at all takes none away
    assert satterthwaite([0.0, 0.0], [1, 8]) == math.inf
    assert satterthwaite([3.0, -1.0], [4, 9]) == pytest.approx(2.0**2 / (9 / 4 + 1 / 9))
    assert satterthwaite([3.0, -4.0], [4, 9], 0.5) == pytest.approx(0.5**2 / (9 / 4 + 16 / 9))
    random = np.random.default_rng(2)
    for _ in range(100):
        variances, freedoms = random.gamma(1, 1, 4).tolist(), random.integers(1, 20, 4).tolist()
        assert min(freedoms) - 1e-9 <= satterthwaite(variances, freedoms) <= sum(freedoms) + 1e-9
    with pytest.raises(ValueError, match="zip"):
        satterthwaite([1.0, 1.0], [3])
