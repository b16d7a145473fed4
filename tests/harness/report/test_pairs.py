"""Paired comparisons against scipy, against brute force, and against what is known of simulated rows."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.report.pairs import ENOUGH_SEEDS, compare, holm, rank_test, sign_flip, sign_flip_of_integers, told


def rows(counts: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two rows of which so many images both get wrong, the first alone, the second alone, none."""
    both, first, second, none = counts
    wrong = np.repeat([1, 1, 0, 0], counts).astype(bool)
    other = np.repeat([1, 0, 1, 0], counts).astype(bool)
    assert len(wrong) == both + first + second + none
    return wrong, other


@pytest.mark.parametrize("counts", [(3, 12, 4, 200), (0, 1, 0, 5), (9, 7, 7, 100), (50, 300, 410, 9240), (2, 0, 0, 9)])
def test_one_seed_is_mcnemars_exact_test(counts: tuple[int, int, int, int]) -> None:
    wrong, other = rows(counts)
    _, first, second, _ = counts
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    pair = compare([wrong], [other])
    assert pair.p == pytest.approx(expected, rel=1e-9)
    assert pair.difference == pytest.approx(100 * (first - second) / sum(counts))
    assert pair.low <= pair.difference <= pair.high
    assert "McNemar" in pair.method


def test_integers_against_all_sign_patterns() -> None:
    differences = np.array([3, -1, 2, 0, 1, 2, -3, 1, 1])
    nonzero = differences[differences != 0]
    sums = [abs(np.dot(signs, np.abs(nonzero))) for signs in itertools.product([-1, 1], repeat=len(nonzero))]
    expected = np.mean(np.array(sums) >= abs(differences.sum()))
    assert sign_flip_of_integers(differences) == pytest.approx(expected)
    assert sign_flip_of_integers(-differences) == pytest.approx(expected)


def test_real_numbers_against_all_sign_patterns() -> None:
    differences = np.array([0.31, -0.05, 0.22, 0.4, 0.11, 0.02])
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product([-1, 1], repeat=6)]
    assert sign_flip(differences) == pytest.approx(np.mean(np.array(sums) >= abs(differences.sum()) - 1e-12))


def test_many_real_numbers_are_flipped_at_random_but_always_alike() -> None:
    differences = np.random.default_rng(4).normal(0.4, 1, 20)
    found = sign_flip(differences)
    assert found == sign_flip(differences)
    expected = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=2**20 + 1)
    assert found == pytest.approx(expected.pvalue, abs=0.01)
    assert sign_flip(np.zeros(3)) == 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0]),
        ([1.0, 4.0, 2.5], [3.0, 0.5, 6.0, 2.0, 7.0]),
        ([1.0, 1.0, 2.0], [1.0, 2.0, 2.0, 3.0]),  # with ties
        ([1.0], [1.0]),
        ([2.0], [1.0, 0.0]),
    ],
)
def test_ranks_against_all_divisions(ours: list[float], theirs: list[float]) -> None:
    ranks = stats.rankdata([*ours, *theirs])
    sums = np.array([sum(ranks[list(chosen)]) for chosen in itertools.combinations(range(len(ranks)), len(ours))])
    away = abs(ranks[: len(ours)].sum() - sums.mean())
    assert rank_test(ours, theirs) == pytest.approx(np.mean(np.abs(sums - sums.mean()) >= away - 1e-9))


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (3, 3), (4, 4), (12, 15)])
def test_groups_that_do_not_overlap(n: int, m: int) -> None:
    assert rank_test(list(range(n)), list(range(100, 100 + m))) == pytest.approx(2 / math.comb(n + m, n))


def test_one_image_and_equal_answers_have_an_interval() -> None:
    for seeds in (1, 3):
        one = compare([np.array([True])] * seeds, [np.array([False])] * seeds)
        assert np.isfinite([one.low, one.high, one.p]).all()
        equal = compare([np.array([True, False])] * seeds, [np.array([True, False])] * seeds)
        assert (equal.difference, equal.p) == (0, 1)
        assert equal.low < 0 < equal.high


def test_a_difference_in_every_one_of_six_seeds_is_shown_and_five_are_too_few_to_ask() -> None:
    random = np.random.default_rng(1)
    images = 200
    good = [random.random(images) < 0.10 for _ in range(6)]
    bad = [each | (random.random(images) < 0.05) for each in good]
    six = compare(good, bad)
    assert six.method == "exact permutation over 6 seeds"
    assert six.p == pytest.approx(2 / 2**ENOUGH_SEEDS)
    assert six.finding() == "better"
    assert compare(bad, good).finding() == "worse"
    assert compare(good[:5], bad[:5]).method == "exact test over the images of 5 seeds"


def test_under_no_difference_it_finds_one_as_often_as_stated() -> None:
    """And the interval holds the truth as often as stated: a thousand pairs of equally good rows."""
    random = np.random.default_rng(2)
    found = covered = 0
    for _ in range(1000):
        hard = random.random(500) * 0.3  # the same images are hard for both
        pair = compare([random.random(500) < hard], [random.random(500) < hard])
        found += pair.finding() != "no difference shown"
        covered += pair.low <= 0 <= pair.high
    assert found <= 65  # exact tests find fewer than one in twenty
    assert 930 <= covered <= 975


def test_what_could_have_been_shown_is_shown_four_times_in_five() -> None:
    random = np.random.default_rng(3)
    images, shown, detectable = 4000, 0, []
    for _ in range(200):
        other = random.random(images) < 0.10
        wrong = np.where(random.random(images) < 0.15, random.random(images) < 0.10 + 0.0545, other)
        pair = compare([wrong], [other])
        detectable.append(pair.detectable)
        shown += pair.finding() == "worse"
    truth = 15 * 0.0545  # percentage points
    assert np.mean(detectable) == pytest.approx(truth, rel=0.15)
    assert 0.65 <= shown / 200 <= 0.92


def test_equal_rows() -> None:
    wrong, _ = rows((5, 0, 0, 20))
    pair = compare([wrong], [wrong])
    assert (pair.difference, pair.p, pair.finding()) == (0, 1, "no difference shown")
    assert pair.low < 0 < pair.high


def test_small_values_are_told_as_such() -> None:
    assert (told(0.0312), told(1e-9), told(1.0)) == ("p = 0.031", "p < 0.0001", "p = 1")


def test_holm_against_its_definition() -> None:
    ps = [0.01, 0.04, 0.03, 0.005, 0.8]
    order = np.argsort(ps)
    expected = np.empty(5)
    for rank, index in enumerate(order):
        expected[index] = max(min(1, (5 - r) * ps[order[r]]) for r in range(rank + 1))
    assert holm(ps) == pytest.approx(list(expected))
    assert holm([]) == []
    for undefined in (float("nan"), -0.1, 1.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            holm([0.5, undefined, 0.001])
    assert holm([0.2]) == [0.2]


@pytest.mark.parametrize("seeds", [1, 6])
def test_against_a_margin_it_finds_one_as_often_as_stated(seeds: int) -> None:
    """The true difference is the margin: shown to be above or below it in fewer than one of twenty."""
    random = np.random.default_rng(5)
    found = 0
    for _ in range(500):
        hard = random.random(1000) * 0.2
        other = [random.random(1000) < hard for _ in range(seeds)]
        wrong = [random.random(1000) < hard + 0.03 for _ in range(seeds)]
        found += compare(wrong, other).against(3.0) < 0.05
    assert found <= 35
