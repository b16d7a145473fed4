"""Paired comparisons against scipy, against brute force, and against what is known of simulated rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.report.pairs import ENOUGH_SEEDS, compare, holm, sign_flip, sign_flip_of_integers, told


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
    assert holm([0.2]) == [0.2]
