"""Tests that count, against scipy, statsmodels and brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.proportion import proportion_confint

from harness.statistics.exact import difference_of_models, mcnemar, rank_test, smallest_of_ranks, wilson

COUNTS = [(3, 12, 4, 200), (0, 1, 0, 5), (9, 7, 7, 100), (50, 300, 410, 9240), (2, 0, 0, 9), (0, 8, 0, 0)]


def models(counts: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two models of which so many images both get wrong, the first alone, the second alone, none."""
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize("counts", COUNTS)
def test_two_models_against_statsmodels(counts: tuple[int, int, int, int]) -> None:
    both, first, second, none = counts
    wrong, other = models(counts)
    expected = mcnemar_of_statsmodels([[both, first], [second, none]], exact=True).pvalue if first + second else 1.0
    assert mcnemar(wrong, other) == pytest.approx(expected)
    assert mcnemar(other, wrong) == pytest.approx(expected)


@pytest.mark.parametrize("counts", COUNTS)
def test_the_interval_of_two_models(counts: tuple[int, int, int, int]) -> None:
    """The difference with one image more for either: discordant shares, their variance as of a multinomial."""
    _, first, second, _ = counts
    wrong, other = models(counts)
    found = difference_of_models(wrong, other)
    n = sum(counts) + 2
    ours, theirs = (first + 1) / n, (second + 1) / n
    error = 100 * math.sqrt((ours + theirs - (ours - theirs) ** 2) / (n - 1))
    assert found.value == pytest.approx(100 * (first - second) / sum(counts))
    assert (found.error, found.freedom) == (pytest.approx(error), math.inf)
    low, high = found.interval()
    assert low < found.value < high


def test_the_interval_of_two_models_holds_the_truth_as_often_as_stated() -> None:
    random = np.random.default_rng(2)
    covered = found = 0
    for _ in range(1000):
        hard = random.random(500) * 0.3  # the same images are hard for both
        wrong, other = random.random(500) < hard, random.random(500) < hard
        low, high = difference_of_models(wrong, other).interval()
        covered += low <= 0 <= high
        found += mcnemar(wrong, other) < 0.05
    assert 930 <= covered <= 975
    assert 10 <= found <= 65  # exact tests find fewer than one in twenty


@pytest.mark.parametrize(("wrong", "images"), [(39, 10_000), (0, 500), (500, 500), (1, 1000), (130, 1000), (1, 1)])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_a_share_against_statsmodels(wrong: int, images: int, level: float) -> None:
    expected = proportion_confint(wrong, images, alpha=level, method="wilson")
    assert wilson(wrong / images, images, level) == pytest.approx(expected, abs=1e-12)


def brute_force(values: Sequence[float], others: Sequence[float]) -> float:
    """The share of all divisions of the ranks whose sum is as far from what is to be expected, or farther."""
    ranks = stats.rankdata([*values, *others])
    sums = np.array([sum(ranks[list(chosen)]) for chosen in itertools.combinations(range(len(ranks)), len(values))])
    return float(np.mean(np.abs(sums - sums.mean()) >= abs(ranks[: len(values)].sum() - sums.mean()) - 1e-9))


@pytest.mark.parametrize(
    ("values", "others"),
    [
        ([5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0]),
        ([1.0, 4.0, 2.5], [3.0, 0.5, 6.0, 2.0, 7.0]),
        ([1.0, 1.0, 2.0], [1.0, 2.0, 2.0, 3.0]),  # with ties
        ([0.0, 0.0], [0.0, 0.0, 0.0]),
        ([1.0], [1.0]),
        ([2.0], [1.0, 0.0]),
        ([3.0, 4.0, 5.0], [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_ranks_against_all_divisions(values: list[float], others: list[float]) -> None:
    assert rank_test(values, others) == pytest.approx(brute_force(values, others))
    assert rank_test(others, values) == pytest.approx(brute_force(values, others))


def test_random_ranks_against_all_divisions_and_scipy() -> None:
    random = np.random.default_rng(5)
    for _ in range(60):
        n, m = random.integers(1, 6, 2)
        tied = random.integers(0, 5, n + m).astype(float).tolist()
        assert rank_test(tied[:n], tied[n:]) == pytest.approx(brute_force(tied[:n], tied[n:]))
        free = random.normal(size=20 + n).tolist()
        expected = stats.mannwhitneyu(free[:9], free[9:], method="exact").pvalue
        assert rank_test(free[:9], free[9:]) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (3, 3), (4, 4), (12, 15)])
def test_groups_that_do_not_overlap(n: int, m: int) -> None:
    assert smallest_of_ranks(n, m) == pytest.approx(2 / math.comb(n + m, n))
    assert rank_test(list(range(n)), list(range(100, 100 + m))) == pytest.approx(smallest_of_ranks(n, m))
