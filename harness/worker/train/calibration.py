"""What a training trial costs here: measured over a few iterations, to fit a suite into a budget."""

from __future__ import annotations

import time

import numpy as np
import torch

from harness.data import Examples
from harness.data.subset import subset
from harness.plan.budget import Cost
from harness.plan.trial import Trial
from harness.worker.activity import activity_of, shown_images
from harness.worker.context import Context
from harness.worker.machine import choose_device
from harness.worker.pictures import pictures_of
from harness.worker.task_data import task_data
from harness.worker.timing.clock import seconds_of
from harness.worker.train.evaluation import BATCH, predict
from harness.worker.train.training import Training

WARM, MEASURED = 2, 4  # iterations


def calibrate(trial: Trial, context: Context) -> Cost:
    """Measure a trial's costs by running its first few iterations and a part of its evaluation."""
    assert trial.training is not None
    device = choose_device(context.gpu)
    start = time.perf_counter()
    data = task_data(trial, context)
    work = trial.training.model_copy(update={"iterations": trial.training.full_iterations})
    training = Training(trial.model_copy(update={"training": work}), data, device)
    setup = time.perf_counter() - start
    seconds = seconds_of(training.step, WARM + MEASURED, device)
    evaluation = 0.0
    for test in data.tests.values():
        images = len(subset(test, work.test_images).labels)
        sample = subset(test, BATCH)
        predict(training.model, sample, device, work.precision)
        start = time.perf_counter()
        predict(training.model, sample, device, work.precision)
        evaluation += (time.perf_counter() - start) * images / len(sample.labels)
    first = subset(next(iter(data.tests.values())), work.test_images)
    start = time.perf_counter()
    pictures_of(training.model, first, first.labels, device)
    pictures = time.perf_counter() - start
    return Cost(
        setup + _activity_seconds(training, shown_images(data.train), device) + pictures,
        float(np.median(seconds[WARM:])),
        evaluation,
    )


def _activity_seconds(training: Training, shown: Examples, device: torch.device) -> float:
    """What the averages over these images will take at the end."""
    sample = subset(shown, BATCH)
    start = time.perf_counter()
    found = activity_of(training.model, sample, device)
    return (time.perf_counter() - start) * len(shown) / len(sample) if found else 0.0
