"""A trial's numbers in MLflow: under the names of every release, and back."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from harness.worker.numbers import (
    Score,
    TimingNumbers,
    TrainingNumbers,
    curve_metrics,
    timing_numbers,
    to_metrics,
    training_numbers,
)

TRAINED = {
    "test/mnist/error_percent": 1.5,
    "test/mnist/images": 1000.0,
    "test/a/b (c)/error_percent": 20.0,
    "test/a/b (c)/images": 9.0,
    "model/parameters": 8_215_568.0,
    "time/training_seconds": 12.5,
    "memory/peak_mib": 300.25,
}
TIMED = {
    "time/iteration_mean_seconds": 0.25,
    "time/iteration_median_seconds": 0.24,
    "time/iteration_q25_seconds": 0.23,
    "time/iteration_q75_seconds": 0.26,
    "time/with_data_median_seconds": 0.3,
    "time/first_iteration_seconds": 1.5,
    "time/inference_image_median_seconds": 0.001,
    "time/warmup_iterations": 12.0,
    "time/is_steady": 0.0,
    "time/trend": 1.01,
    "machine/others_cores": 0.0,
    "memory/peak_mib": 500.0,
    "memory/before_mib": 200.0,
    "machine/matrix_product_gflops": 100.0,
    "model/parameters": 1000.0,
    "model/iteration_gflop": 42.0,
    "model/image_multiply_adds": 202e6,
    "sentinel/before_seconds": 0.1,
    "sentinel/after_seconds": 0.2,
}


def test_the_numbers_of_a_training() -> None:
    numbers = TrainingNumbers({"mnist": Score(1.5, 1000), "a/b (c)": Score(20.0, 9)}, 8_215_568, 12.5, 300.25)
    assert to_metrics(numbers) == TRAINED
    assert training_numbers(TRAINED) == numbers
    assert list(numbers.tests) == list(training_numbers(TRAINED).tests)


def test_the_numbers_of_a_timing() -> None:
    numbers = timing_numbers(TIMED)
    assert to_metrics(numbers) == TIMED
    assert None not in [getattr(numbers, each.name) for each in fields(numbers)]
    assert (numbers.is_steady, numbers.warmup_iterations, numbers.parameters) == (False, 12, 1000)
    assert (numbers.q25_seconds, numbers.others_cores, numbers.sentinel_after_seconds) == (0.23, 0.0, 0.2)


def test_what_a_record_lacks_is_none_and_what_is_none_is_not_recorded() -> None:
    assert timing_numbers({}) == TimingNumbers()
    assert training_numbers({}) == TrainingNumbers()
    assert timing_numbers({"time/trend": math.nan, "model/parameters": math.inf}) == TimingNumbers()
    assert to_metrics(TimingNumbers(median_seconds=0.5)) == {"time/iteration_median_seconds": 0.5}


@pytest.mark.parametrize("lost", ["test/mnist/error_percent", "test/mnist/images"])
def test_a_test_that_is_known_by_half_is_left_out(lost: str) -> None:
    """As of a training that was interrupted: the points of its curve tell errors alone."""
    found = training_numbers({name: value for name, value in TRAINED.items() if name != lost})
    assert list(found.tests) == ["a/b (c)"]


def test_a_point_of_a_curve() -> None:
    assert curve_metrics(0.5, 40.0, {}) == {"train/loss": 0.5, "train/error_percent": 40.0}
    assert curve_metrics(0.5, 40.0, {"mnist": 3.0})["test/mnist/error_percent"] == 3.0
