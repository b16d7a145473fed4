"""Test errors over seeds and images: against statsmodels, against scipy where one factor vanishes, and loops."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from harness.statistics.crossed import contrast, difference, mean_error, mean_squares, over_seeds
from harness.statistics.estimate import Estimate

IMAGES = 60


def models(random: np.random.Generator, seeds: int, percent: float = 20.0, images: int = IMAGES) -> np.ndarray:
    """What models get wrong, some images being harder than others, and some models better."""
    hard = np.random.default_rng(9).beta(0.5, 2, images)
    hard *= percent / 100 / hard.mean()
    return random.random((seeds, images)) < (hard * random.uniform(0.6, 1.4, (seeds, 1))).clip(0, 1)


def known(found: Estimate | None) -> Estimate:
    """An estimate that is there."""
    assert found is not None
    return found


def equal(found: Estimate | None, expected: Estimate | None, sign: float = 1.0) -> bool:
    """Whether two estimates are the same up to rounding, or but for the sign."""
    one, other = known(found), known(expected)
    return (one.value, one.error, one.freedom) == pytest.approx((sign * other.value, other.error, other.freedom))


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_mean_squares_against_statsmodels(seeds: int) -> None:
    wrong = models(np.random.default_rng(seeds), seeds, images=12)
    lines = [(s, i, float(wrong[s, i])) for s in range(seeds) for i in range(12)]
    table = anova_lm(ols("wrong ~ C(seed) + C(image)", pd.DataFrame(lines, columns=["seed", "image", "wrong"])).fit())
    found = mean_squares(wrong)
    assert found.seeds == pytest.approx(table.loc["C(seed)", "mean_sq"])
    assert found.images == pytest.approx(table.loc["C(image)", "mean_sq"])
    assert found.rest == pytest.approx(table.loc["Residual", "mean_sq"])


def written_out(rows: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """Value, standard error and degrees of freedom of a contrast, in loops over seeds and images.

    Of each side: the variance between seeds, pooled over its rows, and the part of each image's mean that is chance.
    Then the variance between images of the difference of means, without that part. Every mean square counts in the
    degrees of freedom, that of seeds as no less than what is chance. Those of the seeds together are, of several rows,
    no more than twice the fewer ones of the two sides.
    """
    images = range(rows[0].shape[1])
    n = len(images)
    means = [0.0] * n
    seeds, chances, freedoms = [], [], []
    for sign, side in ((1, rows), (-1, others)):
        if not side:
            continue
        squares = left = 0.0
        freedom = 0
        for row in side:
            of_images = [sum(float(model[i]) for model in row) / len(row) for i in images]
            means = [mean + sign * each / len(side) for mean, each in zip(means, of_images, strict=True)]
            mean = sum(of_images) / n
            errors = [sum(float(x) for x in model) / n for model in row]
            squares += sum((error - mean) ** 2 for error in errors)
            left += sum(
                (float(model[i]) - error - of_images[i] + mean) ** 2
                for model, error in zip(row, errors, strict=True)
                for i in images
            )
            freedom += len(row) - 1
        weight = sum(1 / len(row) for row in side) / len(side) ** 2
        seeds.append(weight * squares / freedom)
        chances.append(weight * left / (freedom * (n - 1)) / n)
        freedoms.append(freedom)
    value = sum(means) / n
    spread = sum((mean - value) ** 2 for mean in means) / (n - 1) / n
    variance = sum(seeds) + max(2 / n**2, spread - sum(chances))
    believed, parts, between, of_seeds_alone = variance, max(2 / n**2, spread) ** 2 / (n - 1), 0.0, 0.0
    for of_seeds, chance, freedom in zip(seeds, chances, freedoms, strict=True):
        believed += max(chance - of_seeds, 0)
        between += max(of_seeds, chance)
        of_seeds_alone += max(of_seeds, chance) ** 2 / freedom
        parts += chance**2 / (freedom * (n - 1))
    if max(len(rows), len(others)) > 1:
        of_seeds_alone = max(of_seeds_alone, between**2 / (len(freedoms) * min(freedoms)))
    parts += of_seeds_alone
    return 100 * value, 100 * math.sqrt(variance), believed**2 / parts


@pytest.mark.parametrize(
    ("rows", "others"),
    [
        ([3], [3]),
        ([2], [7]),
        ([6], []),
        ([5, 5, 5], [4]),
        ([2, 6, 3, 4, 2, 2], [9, 5]),
        ([1, 4], [2, 1, 1]),  # rows of one seed, beside rows of more
    ],
)
def test_a_contrast_against_its_formula(rows: list[int], others: list[int]) -> None:
    random = np.random.default_rng(len(rows) + 10 * len(others))
    ours, theirs = [models(random, n) for n in rows], [models(random, n, 30) for n in others]
    found = known(contrast(ours, theirs))
    assert (found.value, found.error, found.freedom) == pytest.approx(written_out(ours, theirs))


def test_degrees_of_freedom_are_at_least_those_of_what_varies_least_surely() -> None:
    """No fewer than those of the smaller side's seeds, whether images are all equally hard or not."""
    random = np.random.default_rng(13)
    for _ in range(200):
        seeds = random.integers(2, 8, 2)
        hard = random.beta(0.3, 0.9, (1, 50)) if random.random() < 0.5 else np.full((1, 50), random.random() / 2)
        wrong, other = (random.random((n, 50)) < hard * random.uniform(0.5, 1.5, (n, 1)) for n in seeds)
        assert known(difference(wrong, other)).freedom >= min(seeds) - 1 - 1e-9
        assert known(mean_error(wrong)).freedom >= seeds[0] - 1 - 1e-9


def test_a_few_images_against_the_formula() -> None:
    random = np.random.default_rng(14)
    for _ in range(100):
        wrong, other = (random.random((n, 6)) < 0.4 for n in (3, 7))
        found = known(difference(wrong, other))
        assert (found.value, found.error, found.freedom) == pytest.approx(written_out([wrong], [other]))


def flat(errors: Sequence[float], images: int = 1_000_000) -> np.ndarray:
    """Models for which all images are alike, so that they differ by their seeds alone."""
    return np.broadcast_to(np.array(errors)[:, None], (len(errors), images))


@pytest.mark.parametrize("errors", [[0.1, 0.14, 0.11], [0.2, 0.3], [0.5, 0.52, 0.6, 0.41, 0.48]])
@pytest.mark.parametrize("others", [[0.12, 0.2], [0.15, 0.155, 0.148, 0.151]])
def test_where_images_do_not_vary_it_is_welchs_test_of_the_models_errors(
    errors: list[float], others: list[float]
) -> None:
    found, expected = known(contrast([flat(errors)], [flat(others)])), stats.ttest_ind(errors, others, equal_var=False)
    assert found.value == pytest.approx(100 * (np.mean(errors) - np.mean(others)))
    assert found.freedom == pytest.approx(expected.df, rel=1e-4)
    assert found.p() == pytest.approx(expected.pvalue, rel=1e-4)
    assert found.interval() == pytest.approx(tuple(100 * np.array(expected.confidence_interval())), rel=1e-4)


def test_where_images_do_not_vary_a_mean_is_students() -> None:
    errors = [0.1, 0.14, 0.11, 0.09]
    found, expected = known(mean_error(flat(errors))), stats.ttest_1samp(errors, 0.1)
    assert found.p(10) == pytest.approx(expected.pvalue, rel=1e-4)
    assert found.interval() == pytest.approx(tuple(100 * np.array(expected.confidence_interval())), rel=1e-4)
    assert equal(over_seeds(flat(errors)), Estimate(11, 100 * float(stats.sem(errors)), 3))


@pytest.mark.parametrize("seeds", [2, 5])
def test_a_mean_has_the_degrees_of_freedom_of_its_seeds(seeds: int) -> None:
    """However much of its variance is that of images, of which there are many."""
    wrong = np.repeat(np.random.default_rng(15).random((1, 400)) < 0.3, seeds, axis=0)
    found = known(mean_error(wrong))
    assert found.freedom == seeds - 1
    assert found.error == pytest.approx(100 * float(stats.sem(wrong[0].astype(float))))


def test_rows_of_a_side_have_one_variance_as_in_an_analysis_of_variance() -> None:
    """Of rows that differ by their seeds alone, the variance is the mean square within rows."""
    rows = [[0.1, 0.14, 0.11], [0.3, 0.31], [0.2, 0.26, 0.24, 0.22]]
    lines = [(n, error) for n, row in enumerate(rows) for error in row]
    within = ols("error ~ C(row)", pd.DataFrame(lines, columns=["row", "error"])).fit()
    test = within.t_test(np.array([1, 1 / 3, 1 / 3]))  # the mean of the rows, by the first and what the others add
    found = known(contrast([flat(row) for row in rows], []))
    assert found.value == pytest.approx(100 * test.effect.item())
    assert found.error == pytest.approx(100 * test.sd.item(), rel=1e-4)
    assert found.freedom == pytest.approx(test.df_denom, rel=1e-3)


def test_where_seeds_agree_it_is_a_t_test_of_the_images() -> None:
    """Models of a row that never differ leave the images: a paired t test of both rows on them."""
    random = np.random.default_rng(4)
    wrong, other = (random.random(400) < share for share in (0.3, 0.2))
    found = known(difference(np.stack([wrong] * 3), np.stack([other] * 2)))
    expected = stats.ttest_rel(wrong.astype(float), other.astype(float))
    assert found.p() == pytest.approx(expected.pvalue)
    assert found.freedom == pytest.approx(399)


def test_seeds_are_no_pairs() -> None:
    random = np.random.default_rng(5)
    wrong, other = models(random, 6), models(random, 6, 30)
    for _ in range(5):
        assert equal(difference(random.permutation(wrong), other), difference(wrong, other))


def test_the_order_of_images_and_of_rows_does_not_matter() -> None:
    random = np.random.default_rng(6)
    rows, others = [models(random, n) for n in (2, 3, 4)], [models(random, n, 30) for n in (5, 2)]
    order = random.permutation(IMAGES)
    found = contrast(rows, others)
    assert equal(contrast(rows[::-1], others[::-1]), found)
    assert equal(contrast([row[:, order] for row in rows], [row[:, order] for row in others]), found)
    assert equal(contrast(others, rows), found, sign=-1)


def test_images_that_every_model_gets_wrong_change_no_difference_in_numbers_of_mistakes() -> None:
    random = np.random.default_rng(7)
    wrong, other = models(random, 4), models(random, 3, 30)
    longer = [np.hstack([each, np.ones((len(each), IMAGES), bool)]) for each in (wrong, other)]
    assert known(difference(*longer)).value == pytest.approx(known(difference(wrong, other)).value / 2)
    assert mean_squares(longer[0]).seeds == pytest.approx(mean_squares(wrong).seeds / 2)


def test_a_constant_error_of_a_row_moves_the_difference_alone() -> None:
    random = np.random.default_rng(8)
    wrong, other = models(random, 4).astype(float), models(random, 3).astype(float)
    found, moved = known(difference(wrong, other)), known(difference(wrong + 0.25, other))
    assert (moved.value, moved.error, moved.freedom) == pytest.approx((found.value + 25, found.error, found.freedom))


def test_a_row_that_has_lost_seeds_still_counts() -> None:
    random = np.random.default_rng(10)
    whole, other = models(random, 6), models(random, 6, 60)
    lost = known(difference(whole[:2], other))
    assert lost.value == pytest.approx(100 * (whole[:2].mean() - other.mean()))
    assert lost.p() < 0.05
    beside = known(contrast([whole[:1], whole[1:]], [other]))  # of the first one seed is left
    assert beside.value == pytest.approx(100 * ((whole[0].mean() + whole[1:].mean()) / 2 - other.mean()))
    fewer = known(contrast([whole[1:]], [other]))
    assert beside.error != pytest.approx(fewer.error)


def test_what_one_seed_tells() -> None:
    random = np.random.default_rng(11)
    one, two = models(random, 1), models(random, 2)
    assert mean_error(one) is None
    assert over_seeds(one) is None
    assert difference(one, two) is None
    assert difference(two, one) is None
    assert contrast([one, one], [two]) is None
    assert contrast([two], [one, one]) is None
    assert contrast([one, two], [two]) is not None


@pytest.mark.parametrize("seeds", [2, 5])
def test_one_image_tells_nothing_of_others(seeds: int) -> None:
    wrong = np.ones((seeds, 1), bool)
    assert mean_error(wrong) is None
    assert over_seeds(wrong) is None
    assert difference(wrong, ~wrong) is None


def test_models_that_agree_on_all_images_show_no_difference() -> None:
    wrong = np.repeat([[True] * 3 + [False] * 97], 4, axis=0)
    for other in (wrong, wrong[:2], np.zeros_like(wrong)):
        found = known(difference(wrong, other))
        assert found.has_spread
        assert found.p() > 0.05
        low, high = found.interval()
        assert low < 0 < high


def test_over_seeds_is_at_least_as_uncertain_as_what_models_err_on_by_chance() -> None:
    """Three models of the same error on different images: they agree by chance."""
    wrong = np.zeros((3, 50), bool)
    for seed in range(3):
        wrong[seed, 4 * seed : 4 * seed + 4] = True
    found = known(over_seeds(wrong))
    assert wrong.mean(axis=1).std() == 0
    assert found.value == pytest.approx(8)
    assert found.freedom == 2
    centred = wrong - wrong.mean(axis=0)
    assert found.error == pytest.approx(100 * math.sqrt((centred**2).sum() / (2 * 49) / (3 * 50)))


def test_over_seeds_is_students_t_of_the_models_errors_where_they_differ_more() -> None:
    random = np.random.default_rng(12)
    wrong = random.random((5, 2000)) < np.array([0.1, 0.2, 0.15, 0.3, 0.12])[:, None]
    expected = stats.ttest_1samp(100 * wrong.mean(axis=1), 20)
    found = known(over_seeds(wrong))
    assert found.p(20) == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval()))
