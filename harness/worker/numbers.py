"""The numbers of a finished trial, and the names of the metrics in MLflow that hold them. No other file has the names.

The names are those of every release, so that older records can be read; what an older record lacks is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints

TRAIN_LOSS, TRAIN_ERROR = "train/loss", "train/error_percent"  # of every point of a curve
EPOCHS = "time/epochs"  # which a point of a curve stands at
TEST, ERROR, IMAGES = "test/", "/error_percent", "/images"  # around the name of a test


def _metric(name: str) -> Any:
    """A number that is None until it is known."""
    return field(default=None, metadata={"metric": name})


@dataclass(frozen=True)
class Score:
    """A model's result on a test set of so many images."""

    error_percent: float
    images: int


@dataclass(frozen=True)
class TrainingNumbers:
    """What a training trial has come to.

    tests: by the name of the test, in the order in which the task has them.
    """

    tests: Mapping[str, Score] = field(default_factory=dict)
    parameters: int | None = _metric("model/parameters")
    training_seconds: float | None = _metric("time/training_seconds")
    peak_memory_mib: float | None = _metric("memory/peak_mib")


@dataclass(frozen=True, kw_only=True)
class TimingNumbers:
    """What a timing trial has measured. Times are seconds of a training iteration unless they say otherwise.

    mean_seconds, median_seconds, q25_seconds, q75_seconds: of the iterations on a batch that is on the device.
    with_data_seconds: the median of iterations that make their batch first.
    first_seconds: of the very first iteration.
    inference_image_seconds: of a forward pass in evaluation, for one image of a batch; the median.
    warmup_iterations: before the timed ones; `is_steady` says whether the last two windows of them agreed.
    trend: the last third of the timed iterations over the first third, of medians; None if they are fewer than three.
    others_cores: the processor cores that other processes kept busy during the timed iterations.
    peak_memory_mib, memory_before_mib: that the process held at most, and before it built the model.
    matrix_product_gflops: the rate of a large matrix product in the same process, per second.
    iteration_gflop, image_multiply_adds: the arithmetic of an iteration, and of a forward pass for one image; known in
        one round.
    sentinel_before_seconds, sentinel_after_seconds: of the fixed model's iteration, just before and after; medians.
    """

    mean_seconds: float | None = _metric("time/iteration_mean_seconds")
    median_seconds: float | None = _metric("time/iteration_median_seconds")
    q25_seconds: float | None = _metric("time/iteration_q25_seconds")
    q75_seconds: float | None = _metric("time/iteration_q75_seconds")
    with_data_seconds: float | None = _metric("time/with_data_median_seconds")
    first_seconds: float | None = _metric("time/first_iteration_seconds")
    inference_image_seconds: float | None = _metric("time/inference_image_median_seconds")
    warmup_iterations: int | None = _metric("time/warmup_iterations")
    is_steady: bool | None = _metric("time/is_steady")
    trend: float | None = _metric("time/trend")
    others_cores: float | None = _metric("machine/others_cores")
    peak_memory_mib: float | None = _metric("memory/peak_mib")
    memory_before_mib: float | None = _metric("memory/before_mib")
    matrix_product_gflops: float | None = _metric("machine/matrix_product_gflops")
    parameters: int | None = _metric("model/parameters")
    iteration_gflop: float | None = _metric("model/iteration_gflop")
    image_multiply_adds: float | None = _metric("model/image_multiply_adds")
    sentinel_before_seconds: float | None = _metric("sentinel/before_seconds")
    sentinel_after_seconds: float | None = _metric("sentinel/after_seconds")


Numbers = TrainingNumbers | TimingNumbers


def curve_metrics(loss: float, error_percent: float, tests: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics of a point of a curve.

    Arguments:
        loss, error_percent: on the training batches since the last point.
        tests: the error of each test, percent, where the model was tested there.
    """
    errors = {f"{TEST}{name}{ERROR}": error for name, error in tests.items()}
    return {TRAIN_LOSS: loss, TRAIN_ERROR: error_percent, **errors}


def to_metrics(numbers: Numbers) -> dict[str, float]:
    """Return the metrics that hold what is known of a trial's numbers."""
    found = {}
    if isinstance(numbers, TrainingNumbers):
        for name, score in numbers.tests.items():
            found[f"{TEST}{name}{ERROR}"] = score.error_percent
            found[f"{TEST}{name}{IMAGES}"] = float(score.images)
    values = {metric: getattr(numbers, name) for name, metric in _names(type(numbers)).items()}
    return found | {metric: float(value) for metric, value in values.items() if value is not None}


def training_numbers(metrics: Mapping[str, float]) -> TrainingNumbers:
    """Read the numbers of a training trial; a test whose images are not known is left out."""
    tests = {}
    for metric, error in metrics.items():
        name = metric.removeprefix(TEST).removesuffix(ERROR)
        images = metrics.get(f"{TEST}{name}{IMAGES}", math.nan)
        if metric == f"{TEST}{name}{ERROR}" and math.isfinite(error) and math.isfinite(images):
            tests[name] = Score(error, int(images))
    return TrainingNumbers(tests, **_values(TrainingNumbers, metrics))


def timing_numbers(metrics: Mapping[str, float]) -> TimingNumbers:
    """Read the numbers of a timing trial."""
    return TimingNumbers(**_values(TimingNumbers, metrics))


def _names(kind: type[Numbers]) -> dict[str, str]:
    """The metric of each field."""
    return {each.name: each.metadata["metric"] for each in fields(kind) if "metric" in each.metadata}


def _values(kind: type[Numbers], metrics: Mapping[str, float]) -> dict[str, Any]:
    """The fields whose metrics are known, each in its type."""
    hints = get_type_hints(kind)
    known = {name: metrics.get(metric, math.nan) for name, metric in _names(kind).items()}
    return {name: hints[name].__args__[0](value) for name, value in known.items() if math.isfinite(value)}
