"""What a row tells of its number, against scipy and formulas written out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.report.tables.pairs import Mistakes
from harness.report.tables.summaries import Summary, error_of, error_of_numbers, mean_over_processes
from harness.statistics.crossed import mean_error


def mistakes(wrong: np.ndarray) -> Mistakes:
    return Mistakes(np.zeros(wrong.shape[1], int), dict(enumerate(wrong.astype(bool))))


def wilson(wrong: int, images: int) -> tuple[float, float]:
    """Wilson's interval in percent, as scipy has it."""
    interval = stats.binomtest(wrong, images).proportion_ci(0.95, method="wilson")
    return 100 * interval.low, 100 * interval.high


@pytest.mark.parametrize(("wrong", "images"), [(39, 10_000), (0, 500), (500, 500), (1, 1000), (130, 1000), (1, 1)])
def test_one_seed_is_as_uncertain_as_its_images(wrong: int, images: int) -> None:
    known = error_of(mistakes(np.arange(images)[None] < wrong))
    for found in (known, error_of_numbers([100 * wrong / images], images)):
        assert found.mean == pytest.approx(100 * wrong / images)
        assert (found.low, found.high) == pytest.approx(wilson(wrong, images), abs=1e-9)
        assert found.standard_error == pytest.approx(100 * math.sqrt(wrong / images * (1 - wrong / images) / images))
        assert (found.n, found.over) == (1, "test images")


def test_several_seeds_are_uncertain_by_seeds_and_images() -> None:
    """By the estimate of both, where that says more than the images of one model."""
    random = np.random.default_rng(0)
    wrong = random.random((4, 500)) < np.array([0.1, 0.2, 0.15, 0.3])[:, None]
    found, estimate = error_of(mistakes(wrong)), mean_error(wrong)
    assert estimate is not None
    assert found.mean == pytest.approx(100 * wrong.mean())
    assert (found.standard_error, found.low, found.high) == (estimate.error, *estimate.interval())
    assert (found.n, found.over) == (4, "seeds and images")


@pytest.mark.parametrize("wrong", [0, 7, 100])
def test_seeds_that_agree_are_no_surer_than_one_model(wrong: int) -> None:
    row = np.repeat([np.arange(100) < wrong], 5, axis=0)
    found, (low, high) = error_of(mistakes(row)), wilson(wrong, 100)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= low + 1e-9
    assert high - 1e-9 <= found.high <= 100
    assert found.standard_error is not None
    assert found.standard_error >= 100 * math.sqrt(wrong / 100 * (1 - wrong / 100) / 100)


def test_several_models_on_one_image_are_as_uncertain_as_the_image() -> None:
    found = error_of(mistakes(np.ones((3, 1))))
    assert (found.low, found.high) == pytest.approx(wilson(1, 1))
    assert (found.mean, found.n, found.over) == (100, 3, "test images")


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.5, 0.3, 0.7], [3.0, 4.0, 5.5, 3.2, 4.1]])
def test_seeds_whose_answers_are_not_known_are_students(values: list[float]) -> None:
    found = error_of_numbers(values, 1_000_000)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.standard_error == pytest.approx(stats.sem(values))
    assert (found.low, found.high) == pytest.approx((max(0, low), high))
    assert (found.n, found.over) == (len(values), "seeds")


def test_such_seeds_that_agree_are_no_surer_than_one_model_either() -> None:
    found = error_of_numbers([1.0, 1.0, 1.0], 1000)
    assert found.standard_error == pytest.approx(100 * math.sqrt(0.01 * 0.99 / 1000))
    assert (found.low, found.high) == pytest.approx(wilson(10, 1000))


def test_an_interval_of_errors_stays_between_none_and_all() -> None:
    for low in (error_of_numbers([0.0, 0.2], 1000).low, error_of(mistakes(np.eye(2, 50))).low):
        assert low == 0
    for high in (error_of_numbers([100.0, 99.0], 1000).high, error_of(mistakes(1 - np.eye(2, 50))).high):
        assert high == 100


def test_the_interval_holds_the_methods_error_as_often_as_stated() -> None:
    """With other seeds and other images: three models of 400 images, simulated."""
    random = np.random.default_rng(1)
    held = 0
    for _ in range(500):
        hard = random.beta(1, 7, 400)
        better = np.exp(random.normal(0, 0.15, (3, 1)))
        found = error_of(mistakes(random.random((3, 400)) < hard * better))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 12.5 * math.exp(0.15**2 / 2) <= found.high
    assert 0.93 <= held / 500 <= 0.995


def test_processes_are_students() -> None:
    values = [0.2, 0.21, 0.19, 0.205, 0.195]
    found = mean_over_processes(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.mean == pytest.approx(0.2)
    assert found.standard_error == pytest.approx(stats.sem(values))
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert (found.n, found.over) == (5, "processes")


def test_of_fewer_than_three_processes_there_is_no_interval() -> None:
    assert mean_over_processes([0.3]) == Summary(0.3, None, None, None, 1, "processes")
    about: Any = pytest.approx
    assert mean_over_processes([0.3, 0.5]) == Summary(about(0.4), about(0.1), None, None, 2, "processes")
