"""Measure what a training trial costs on this machine, to fit a suite into a budget."""

from __future__ import annotations

import time

import numpy as np

from harness.analysis.base import TrainedModel
from harness.analysis.measuring import seconds_of_all
from harness.data.batches import EVALUATION_BATCH
from harness.data.subset import subset
from harness.device import choose_device
from harness.plan.budget import Cost
from harness.plan.trial import TrainingTrial
from harness.worker.context import WorkerContext
from harness.worker.task_data import task_data
from harness.worker.timing.clock import seconds_of
from harness.worker.train.evaluation import predict
from harness.worker.train.training import Training

WARM, MEASURED = 2, 4  # iterations


def calibrate(trial: TrainingTrial, context: WorkerContext) -> Cost:
    """Measure a trial's costs by running its first iterations, a part of its evaluation, and a part of its analyses."""
    device = choose_device(context.gpu)
    start = time.perf_counter()
    data = task_data(trial, context)
    work = trial.work.model_copy(update={"iterations": trial.work.full_iterations})
    training = Training(trial.model_copy(update={"work": work}), data, device)
    setup = time.perf_counter() - start
    seconds = seconds_of(training.step, WARM + MEASURED, device)
    evaluation = 0.0
    for test in data.tests.values():
        images = len(subset(test, work.test_images).labels)
        sample = subset(test, EVALUATION_BATCH)
        predict(training.model, sample, device, work.precision)
        start = time.perf_counter()
        predict(training.model, sample, device, work.precision)
        evaluation += (time.perf_counter() - start) * images / len(sample.labels)
    first = subset(next(iter(data.tests.values())), work.test_images)
    analyses = seconds_of_all(TrainedModel(training.model, device, data.train, first, first.labels))
    return Cost(setup + analyses, float(np.median(seconds[WARM:])), evaluation)
