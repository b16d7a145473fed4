"""Train a variant and test it. A trial that is killed and resumed ends with the same bits."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import logging
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

import variants
from harness.analysis.base import TrainedModel
from harness.analysis.measuring import measure_all
from harness.data import Examples, TaskData
from harness.data.batches import Batches
from harness.data.subset import subset
from harness.device import choose_device
from harness.errors import cause_of
from harness.plan.trial import TrainingTrial
from harness.plugins.process_settings import preserve_settings
from harness.randomness import preserve_random_state, random_state, seed_everything, set_random_state
from harness.worker import autotune
from harness.worker.autotune import describe_algorithms
from harness.worker.checks import check_gradients, check_loss, check_output, check_state, unchanged
from harness.worker.context import Report, WorkerContext
from harness.worker.machine import describe_machine, peak_memory_mib
from harness.worker.numbers import Score, TrainingNumbers, curve_metrics
from harness.worker.optimizer import Adam
from harness.worker.precision import forward_in
from harness.worker.result import Diverged, Point, Progress, Result, Timestamps
from harness.worker.task_data import task_data
from harness.worker.train.checkpoint import Checkpoints, Owner
from harness.worker.train.evaluation import error_percent, predict
from variants.contract import Variant

MIN_POINTS = 10  # of a curve, however few the epochs
REPORT_SECONDS = 1.0  # between two progress reports

log = logging.getLogger(__name__)


class Training:
    """A model in training: the state that a checkpoint holds, and the step that changes it."""

    def __init__(self, trial: TrainingTrial, data: TaskData, device: torch.device) -> None:
        assert trial.work.iterations is not None
        self.work, self.iterations = trial.work, trial.work.iterations
        self.device = device
        seed_everything(trial.seed)
        with preserve_settings():
            self.model: Variant = variants.build(trial.variant, **trial.config).to(device)
        check_state(self.model)
        self.optimizer = Adam(self.model, self.work.protocol.learning_rate)
        self.batches = Batches(
            subset(data.train, self.work.train_images),
            image_size=trial.config["image_size"],
            batch_size=self.work.protocol.batch_size,
            shift=self.work.protocol.shift,
            seed=trial.seed,
            device=device,
        )
        self.iteration = self.begun_at = 0
        self.seconds = 0.0
        self.first_step: float | None = None  # when it ended, seconds since 1970
        self.history: list[Point] = []
        self._new_interval()

    def _new_interval(self) -> None:
        # Sums stay on the device: reading them at every iteration would stall it.
        self.loss_sum = torch.zeros((), device=self.device)
        self.wrong_sum = torch.zeros((), device=self.device)
        self.first_bad = torch.full((), -1, dtype=torch.int64, device=self.device)
        self.interval_start = self.iteration

    def step(self) -> None:
        """One iteration: the next batch, the learning rate, forward, loss, backward, update."""
        images, labels = self.batches.at(self.iteration)
        # The schedule is written for the whole protocol; a fraction of it runs through it faster.
        position = self.iteration * self.work.full_iterations / self.iterations
        rate = self.work.protocol.schedule.rate(self.work.protocol.learning_rate, position)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        is_first = self.first_step is None
        self.optimizer.zero_grad(set_to_none=True)
        with unchanged(self.model, images, labels) if is_first else nullcontext():
            with forward_in(self.work.precision, self.device):
                output = check_output(self.model, self.model(images, labels), images)
                loss = check_loss(self.model, self.model.loss(output, images, labels))
            loss.backward()
        if is_first:
            check_gradients(self.model)
        self.optimizer.step()
        self._observe(loss.detach(), output.activities.detach(), labels)
        self.iteration += 1
        self.first_step = self.first_step or time.monotonic()

    def _observe(self, loss: Tensor, activities: Tensor, labels: Tensor) -> None:
        self.loss_sum += loss
        self.wrong_sum += (activities.argmax(1) != labels).sum()
        is_new = (self.first_bad < 0) & ~torch.isfinite(loss)
        self.first_bad = torch.where(is_new, self.iteration, self.first_bad)

    def close_interval(self, tests: dict[str, float]) -> None:
        """Add a point to the curve: means since the last point, and test errors where there are any.

        Raises:
            Diverged: a loss since the last point was not finite.
        """
        bad = int(self.first_bad.item())
        if bad >= 0:
            raise Diverged(bad)
        count = self.iteration - self.interval_start
        error = 100 * self.wrong_sum.item() / (count * self.work.protocol.batch_size)
        metrics = curve_metrics(self.loss_sum.item() / count, error, tests)
        epoch = self.iteration / self.batches.per_epoch
        self.history.append(Point(self.iteration, epoch, self.seconds, metrics))
        self._new_interval()

    @property
    def is_epoch_end(self) -> bool:
        """Whether an epoch has just ended."""
        return self.iteration % self.batches.per_epoch == 0

    @property
    def is_point(self) -> bool:
        """Whether the curve gets a point here: at the end of each epoch, and `MIN_POINTS` times in all at least."""
        every = min(self.batches.per_epoch, max(1, self.iterations // MIN_POINTS))
        left = self.iterations - self.iteration
        is_regular = self.iteration % every == 0 and 2 * left >= every  # else the last point would stand for too few
        return is_regular or self.is_epoch_end or left == 0

    def state(self) -> dict[str, Any]:
        """Return everything that the rest of the training depends on."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "buffers": dict(_unsaved_buffers(self.model)),
            "random": random_state(),
            "choices": autotune.dump(),
            "iteration": self.iteration,
            "interval_start": self.interval_start,
            "sums": [self.loss_sum, self.wrong_sum, self.first_bad],
            "seconds": self.seconds,
            "history": [dataclasses.asdict(point) for point in self.history],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.model.load_state_dict(state["model"])
        for name, value in state["buffers"].items():
            owner, _, buffer = name.rpartition(".")
            setattr(self.model.get_submodule(owner), buffer, value.to(self.device))
        self.optimizer.load_state_dict(state["optimizer"])
        autotune.load(state["choices"])
        self.iteration, self.interval_start = state["iteration"], state["interval_start"]
        self.begun_at = self.iteration
        self.loss_sum, self.wrong_sum, self.first_bad = (t.to(self.device) for t in state["sums"])
        self.seconds = state["seconds"]
        self.history = [Point(**point) for point in state["history"]]
        set_random_state(state["random"])


def train_trial(trial: TrainingTrial, context: WorkerContext, report: Report) -> Result:
    """Run a training trial to its end, from its last checkpoint where there is one.

    Raises:
        Diverged: the loss became infinite or not a number.
        AttemptSuperseded: a later attempt has taken over.
        UserError: the variant violates `variants.contract`.
    """
    began = time.monotonic()
    device = choose_device(context.gpu)
    data = task_data(trial, context)
    claim = Owner(context.checkpoints_id, context.driver, context.attempt)
    checkpoints = Checkpoints(context.checkpoints / trial.key, claim)
    checkpoints.claim()
    training = _begun(trial, data, device, checkpoints)
    tests = {name: subset(test, training.work.test_images) for name, test in data.tests.items()}
    _run(training, tests, checkpoints, context, report)
    report(_progress(training, "testing"))
    predictions = {name: _predict(training, test) for name, test in tests.items()}
    result = _result(training, tests, predictions)
    model = _saved(training.model) if context.keep_model else b""
    first = next(iter(tests))
    arrays = measure_all(TrainedModel(training.model, device, data.train, tests[first], predictions[first]))
    timestamps = Timestamps(began, training.first_step or began, time.monotonic())
    return dataclasses.replace(result, arrays=arrays, model=model, timestamps=timestamps)


def _begun(trial: TrainingTrial, data: TaskData, device: torch.device, checkpoints: Checkpoints) -> Training:
    """Return a training that is restored from its last usable checkpoint, or a new one."""
    for state in checkpoints.states():
        training = Training(trial, data, device)
        try:
            training.restore(state)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            log.warning("a checkpoint of %s does not fit and is left out: %s", trial.name, cause_of(error)[:500])
            continue
        return training
    return Training(trial, data, device)


def _run(
    training: Training,
    tests: dict[str, Examples],
    checkpoints: Checkpoints,
    context: WorkerContext,
    report: Report,
) -> None:
    """Run the training loop: steps, points of the curve, checkpoints and progress reports."""
    started, already = time.perf_counter(), training.seconds
    saved = reported = started
    report(_progress(training))
    while training.iteration < training.iterations:
        training.step()
        now = time.perf_counter()
        training.seconds = already + now - started
        is_last = training.iteration == training.iterations
        if training.is_point:
            is_tested = training.is_epoch_end and not is_last
            training.close_interval(_test(training, tests) if is_tested else {})
        is_due = now - saved > context.checkpoint_seconds
        if (is_due or training.is_epoch_end) and not is_last:
            checkpoints.save(training.iteration, training.state())
            saved = time.perf_counter()
        if training.is_point or now - reported > REPORT_SECONDS:
            report(_progress(training))
            reported = now


@preserve_random_state()
def _test(training: Training, tests: dict[str, Examples]) -> dict[str, float]:
    return {name: error_percent(_predict(training, test), test.labels) for name, test in tests.items()}


def _predict(training: Training, test: Examples) -> np.ndarray:
    return predict(training.model, test, training.device, training.work.precision)


def _progress(training: Training, stage: str = "training") -> Progress:
    return Progress(training.iteration, training.iterations, tuple(training.history), stage, training.begun_at)


def _result(training: Training, tests: dict[str, Examples], predictions: dict[str, Any]) -> Result:
    numbers = TrainingNumbers(
        tests={
            name: Score(error_percent(predictions[name], test.labels), len(test.labels)) for name, test in tests.items()
        },
        parameters=sum(p.numel() for p in training.model.parameters()),
        training_seconds=training.seconds,
        peak_memory_mib=peak_memory_mib(training.device),
    )
    return Result(
        numbers=numbers,
        history=tuple(training.history),
        predictions=predictions,
        labels={name: test.labels for name, test in tests.items()},
        machine=describe_machine(training.device) | describe_algorithms(training.model),
        weights=weights_digest(training.model),
    )


def _unsaved_buffers(model: Variant) -> Iterator[tuple[str, Tensor]]:
    """Return the buffers that are not in the model's state_dict."""
    saved = model.state_dict().keys()
    return ((name, buffer) for name, buffer in model.named_buffers() if name not in saved)


def _saved(model: Variant) -> bytes:
    file = io.BytesIO()
    torch.save({name: tensor.cpu() for name, tensor in model.state_dict().items()}, file)
    return file.getvalue()


def weights_digest(model: Variant) -> str:
    """Return the SHA-256 of a model's parameters and buffers: equal exactly if two trainings end with the same bits."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
