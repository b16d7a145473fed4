"""Two rows compared: about methods from two seeds a side on, and about two models else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import nctdtrinc

from harness.analysis.rows import Predicted
from harness.report.tables.pairs import (
    METHODS,
    MODELS,
    Mistakes,
    Pair,
    contrast_of,
    have_same_images,
    mistakes_of,
    pair_of,
)
from harness.statistics.crossed import contrast, difference
from harness.statistics.estimate import Estimate

IMAGES = 200


def row(wrong: np.ndarray, first: int = 0) -> Mistakes:
    """A row's mistakes on images of the same classes, seeds counted from `first`."""
    return Mistakes(np.arange(wrong.shape[1]) % 10, {first + seed: each for seed, each in enumerate(wrong)})


def random_row(seed: int, seeds: int, percent: float = 20.0, images: int = IMAGES, first: int = 0) -> Mistakes:
    return row(np.random.default_rng(seed).random((seeds, images)) < percent / 100, first)


def compared(wrong: Mistakes, other: Mistakes) -> Pair:
    """A pair that is there."""
    found = pair_of(wrong, other)
    assert found is not None
    return found


@pytest.mark.parametrize(("ours", "theirs"), [(2, 2), (2, 9), (5, 3)])
def test_from_two_seeds_a_side_on_it_is_about_methods(ours: int, theirs: int) -> None:
    one, other = random_row(1, ours, 30), random_row(2, theirs)
    pair, expected = compared(one, other), difference(one.table, other.table)
    assert expected is not None
    assert pair == Pair(expected, expected.p(), (ours, theirs))
    assert pair.is_of_methods
    assert pair.test == METHODS
    assert pair.against(3) == expected.p(3)
    assert pair.against(0) == pair.p


@pytest.mark.parametrize(("ours", "theirs"), [(1, 1), (1, 5), (3, 1)])
def test_with_one_seed_a_side_it_is_about_two_models(ours: int, theirs: int) -> None:
    one, other = random_row(1, ours, 30), random_row(2, theirs)
    pair = compared(one, other)
    first, second = one.wrong[0] & ~other.wrong[0], other.wrong[0] & ~one.wrong[0]
    assert pair.p == pytest.approx(stats.binomtest(int(first.sum()), int(first.sum() + second.sum())).pvalue)
    assert pair.estimate.value == pytest.approx(100 * (one.wrong[0].mean() - other.wrong[0].mean()))
    assert pair.seeds == (1, 1)
    assert not pair.is_of_methods
    assert pair.test == MODELS
    assert pair.against(0) == pair.p
    assert pair.against(10) == pair.estimate.p(10)


def test_two_models_are_of_the_same_seed_if_there_is_one() -> None:
    one, other = random_row(1, 1, 30, first=2), random_row(2, 4)
    assert compared(one, other).estimate.value == pytest.approx(100 * (one.wrong[2].mean() - other.wrong[2].mean()))
    strange = random_row(2, 4, first=7)
    assert compared(one, strange).estimate.value == pytest.approx(100 * (one.wrong[2].mean() - strange.wrong[7].mean()))


def test_seeds_are_no_pairs() -> None:
    """Neither their order nor their numbers change what is found."""
    one, other = random_row(3, 4, 30), random_row(4, 4)
    again = Mistakes(one.true, {seed + 10: one.wrong[seed] for seed in (2, 0, 3, 1)})
    pair, same = compared(one, other), compared(again, other)
    assert (same.p, same.estimate.error) == (pytest.approx(pair.p), pytest.approx(pair.estimate.error))


def test_a_row_that_has_lost_a_seed_is_compared_with_the_others() -> None:
    one, other = random_row(3, 4, 30), random_row(4, 4)
    lost = Mistakes(one.true, {seed: wrong for seed, wrong in one.wrong.items() if seed != 1})
    assert compared(lost, other).seeds == (3, 4)


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_other_way_round_the_sign_changes_alone(seeds: int) -> None:
    one, other = random_row(5, seeds, 40), random_row(6, seeds)
    there, back = compared(one, other), compared(other, one)
    assert there.estimate.value == pytest.approx(-back.estimate.value)
    assert there.p == pytest.approx(back.p)
    assert (there.finding(), back.finding()) == ("worse", "better")


@pytest.mark.parametrize("seeds", [1, 3])
def test_other_images_give_none(seeds: int) -> None:
    one, other = random_row(7, seeds), random_row(8, seeds)
    turned = Mistakes(other.true[::-1], other.wrong)
    shorter = random_row(9, seeds, images=IMAGES - 1)
    for each in (turned, shorter):
        assert pair_of(one, each) is None
        assert contrast_of([one], [other, each]) is None
        assert not have_same_images([one, other, each])
    assert have_same_images([one, other])


def test_the_level_decides_on_the_finding() -> None:
    pair = Pair(Estimate(-1.0, 0.4, 20), 0.02, (2, 2))
    assert (pair.finding(), pair.finding(0.021), pair.finding(0.02)) == ("better", "better", "no difference shown")
    assert Pair(Estimate(1.0, 0.4, 20), 0.02, (2, 2)).finding() == "worse"


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_image_and_equal_answers_have_an_interval(seeds: int) -> None:
    one = compared(row(np.ones((seeds, 1), bool)), row(np.zeros((seeds, 1), bool)))
    assert np.isfinite([*one.estimate.interval(), one.p]).all()
    assert not one.is_of_methods
    same = row(np.array([[True, False, False]] * seeds))
    equal = compared(same, same)
    low, high = equal.estimate.interval()
    assert (equal.estimate.value, equal.p, equal.finding()) == (0, 1, "no difference shown")
    assert low < 0 < high


def test_a_difference_in_every_one_of_few_seeds_is_shown() -> None:
    random = np.random.default_rng(1)
    good = random.random((3, 400)) < 0.10
    bad = good | (random.random((3, 400)) < 0.10)
    assert compared(row(good), row(bad)).finding() == "better"
    assert compared(row(bad), row(good)).finding() == "worse"
    assert compared(row(good[:2]), row(bad)).finding(0.05) == "better"


def test_a_contrast_is_that_of_the_tables() -> None:
    rows, others = [random_row(n, n + 1) for n in (1, 2)], [random_row(5, 1, 30), random_row(6, 4, 30)]
    assert contrast_of(rows, others) == contrast([each.table for each in rows], [each.table for each in others])
    assert contrast_of(rows, others[:1]) is None  # one model tells nothing of the spread of its side


def answers(true: list[int], *predicted: list[int]) -> dict[int, Predicted]:
    """By seed, counted from 5."""
    return {5 + n: (np.array(each), np.array(true)) for n, each in enumerate(predicted)}


def test_mistakes_are_answers_that_are_not_the_class() -> None:
    found = mistakes_of(answers([3, 1, 2], [3, 2, 2], [0, 1, 0]))
    assert found is not None
    assert found.true.tolist() == [3, 1, 2]
    assert list(found.wrong) == [5, 6]
    assert found.table.tolist() == [[False, True, False], [True, False, True]]


def test_what_is_no_answer_to_one_test() -> None:
    assert mistakes_of({}) is None
    assert mistakes_of(answers([], [])) is None
    assert mistakes_of(answers([1, 2], [1, 2]) | {9: (np.array([1, 2]), np.array([2, 1]))}) is None
    assert mistakes_of(answers([1, 2], [1, 2]) | {9: (np.array([1]), np.array([1]))}) is None


def test_what_could_have_been_shown_is_shown_four_times_in_five() -> None:
    """Of methods with five seeds each whose difference is what eight degrees of freedom can show, by the formula."""
    error = 100 * np.sqrt(2 * (0.2 * 0.8 / 500 + 0.01**2) / 5)
    truth = float(error * nctdtrinc(8, 0.2, stats.t.ppf(0.975, 8)))
    random = np.random.default_rng(3)
    shown, detectable = 0, []
    for _ in range(150):
        ours, theirs = (
            random.random((5, 500)) < (mean + random.normal(0, 0.01, (5, 1))) for mean in (0.2 + truth / 100, 0.2)
        )
        pair = compared(row(ours), row(theirs))
        detectable.append(pair.estimate.detectable())
        shown += pair.finding() == "worse"
    assert np.mean(detectable) == pytest.approx(truth, rel=0.1)
    assert 0.65 <= shown / 150 <= 0.95


@pytest.mark.parametrize("seeds", [1, 4])
def test_against_a_margin_it_finds_one_as_often_as_stated(seeds: int) -> None:
    """The true difference is the margin: shown to be above or below it in fewer than one of twenty."""
    random = np.random.default_rng(5)
    found = 0
    for _ in range(500):
        hard = random.random(500) * 0.2
        other, wrong = (random.random((seeds, 500)) < hard + more for more in (0.0, 0.03))
        found += compared(row(wrong), row(other)).against(3.0) < 0.05
    assert found <= 40
