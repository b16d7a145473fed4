"""What a training trial costs here: measured over a few iterations, to fit a suite into a budget."""

from __future__ import annotations

import time

import numpy as np

from harness.budget import Cost
from harness.data import DATASETS
from harness.running.clock import seconds_of
from harness.running.context import Context
from harness.running.evaluation import BATCH, predict, subset
from harness.running.machine import choose_device
from harness.running.training import Training
from harness.trial import Trial

WARM, MEASURED = 2, 4  # iterations


def calibrate(trial: Trial, context: Context) -> Cost:
    """Measure a trial's costs by running its first few iterations and a part of its evaluation."""
    assert trial.training is not None
    device = choose_device(context.gpu)
    start = time.perf_counter()
    data = DATASETS.get(trial.task)().load(context.data)
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
    return Cost(setup, float(np.median(seconds[WARM:])), evaluation)
