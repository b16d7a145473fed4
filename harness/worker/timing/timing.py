"""Time a variant's training iteration in this process, which should be fresh and alone on its machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

import variants
from harness.data import DATASETS
from harness.data.batches import Batches
from harness.device import choose_device
from harness.plan.trial import TimingTrial
from harness.plugins.process_settings import preserve_settings
from harness.randomness import seed_everything
from harness.suite.protocol import Precision, TimingProtocol
from harness.worker.autotune import describe_algorithms
from harness.worker.checks import (
    check_finite,
    check_gradients,
    check_loss,
    check_output,
    check_state,
    unchanged,
)
from harness.worker.context import WorkerContext
from harness.worker.machine import describe_machine, peak_memory_mib, resident_mib
from harness.worker.numbers import TimingNumbers
from harness.worker.optimizer import Adam
from harness.worker.precision import forward_in
from harness.worker.result import Result, Timestamps
from harness.worker.task_data import task_data
from harness.worker.timing.clock import gc_disabled, seconds_of
from harness.worker.timing.contention import CpuContention
from harness.worker.timing.flops import count_flops, matrix_product_rate, multiply_adds
from variants.contract import Variant

INFERENCE_PASSES = 5


def time_trial(trial: TimingTrial, context: WorkerContext) -> Result:
    """Time, in order: first iteration, warm-up, iterations on a resident batch, iterations that load their batch.

    Raises:
        UserError: the variant violates `variants.contract`, changes its batch, or has an infinite loss.
    """
    began, before = time.monotonic(), resident_mib()
    work, device = trial.work, choose_device(context.gpu)
    seed_everything(trial.round)
    batches = _batches(trial, context, device)
    with preserve_settings():
        model = variants.build(trial.variant, **trial.config).to(device)
    check_state(model)
    step = _TrainingStep(model, Adam(model, work.learning_rate), work.precision)
    first, first_step = _first_iteration(step, batches, device)
    with gc_disabled():
        raw, seen = _sample(step, batches, work.protocol, device)
    numbers = replace(
        _summary(raw, first, seen),
        memory_before_mib=before,
        matrix_product_gflops=matrix_product_rate(device) / 1e9,
        parameters=sum(p.numel() for p in model.parameters()),
    )
    return Result(
        numbers=_counted(numbers, step, batches) if trial.round == 0 else numbers,
        samples={**raw, "first": [first]},
        machine=describe_machine(device) | describe_algorithms(model),
        timestamps=Timestamps(began, first_step, time.monotonic()),
    )


def _first_iteration(step: _TrainingStep, batches: Batches, device: torch.device) -> tuple[float, float]:
    """Run the first iteration; return its seconds and the time at which it ended."""
    images, labels = batches.at(0)
    with unchanged(step.model, images, labels):
        [seconds] = seconds_of(lambda: step(images, labels), 1, device)
    ended = time.monotonic()
    check_gradients(step.model)
    check_finite(step.model, step.loss(images, labels), "after the first iteration")
    return seconds, ended


def _sample(
    step: _TrainingStep, batches: Batches, protocol: TimingProtocol, device: torch.device
) -> tuple[dict[str, list[float]], TimingNumbers]:
    """Return the seconds of everything that is timed, and what was observed meanwhile."""
    images, labels = batches.at(0)

    def resident() -> None:
        step(images, labels)

    with unchanged(step.model, images, labels):
        warmup, is_steady = _warm_up(resident, protocol, device)
        with CpuContention() as others:
            samples = seconds_of(resident, protocol.iterations, device)
    with_data = _time_with_data(step, batches, protocol.with_data, device)
    peak = peak_memory_mib(device)
    inference = _time_inference(step.model, images, step.precision, device)
    check_finite(step.model, step.loss(images, labels), "after the last iteration")
    seen = TimingNumbers(
        inference_image_seconds=float(np.median(inference)) / len(images),
        is_steady=is_steady,
        others_cores=others.cores,
        peak_memory_mib=peak,
    )
    return {"iteration": samples, "warmup": warmup, "with_data": with_data, "inference": inference}, seen


def _counted(numbers: TimingNumbers, step: _TrainingStep, batches: Batches) -> TimingNumbers:
    """Add the operation counts, which take seconds to make and are the same in every round."""
    images, labels = batches.at(0)
    return replace(
        numbers,
        iteration_gflop=count_flops(lambda: step(images, labels)) / 1e9,
        image_multiply_adds=multiply_adds(step.model, images[:1]),
    )


def _batches(trial: TimingTrial, context: WorkerContext, device: torch.device) -> Batches:
    dataset = DATASETS.get(trial.task)
    return Batches(
        task_data(trial, context).train,
        image_size=dataset.image_size,
        batch_size=trial.work.protocol.batch_size,
        shift=0,
        seed=trial.round,
        device=device,
    )


class _TrainingStep:
    """A training iteration on a batch; only the first call checks the output and the loss."""

    def __init__(self, model: Variant, optimizer: torch.optim.Optimizer, precision: Precision) -> None:
        self.model, self.optimizer, self.precision = model, optimizer, precision
        self.is_checked = False

    def __call__(self, images: Tensor, labels: Tensor) -> None:
        """Forward, loss, backward, update."""
        self.optimizer.zero_grad(set_to_none=True)
        with forward_in(self.precision, images.device):
            output = self.model(images, labels)
            if not self.is_checked:
                check_output(self.model, output, images)
            loss = self.model.loss(output, images, labels)
        if not self.is_checked:
            check_loss(self.model, loss)
            self.is_checked = True
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the loss on a batch, without a gradient."""
        with forward_in(self.precision, images.device):
            return self.model.loss(self.model(images, labels), images, labels)


def _time_with_data(step: _TrainingStep, batches: Batches, count: int, device: torch.device) -> list[float]:
    """Return the seconds of each of up to `count` iterations, each with loading its batch."""
    samples: list[float] = []
    for iteration in range(1, 1 + min(count, max(1, batches.per_epoch - 1))):

        def whole_step(iteration: int = iteration) -> None:
            step(*batches.at(iteration))

        samples += seconds_of(whole_step, 1, device)
    return samples


def _time_inference(model: Variant, images: Tensor, precision: Precision, device: torch.device) -> list[float]:
    """Return the seconds of `INFERENCE_PASSES` forward passes in evaluation mode, after two of warm-up."""
    model.eval()

    def predict() -> None:
        with torch.inference_mode(), forward_in(precision, device):
            model(images).predictions()

    with torch.inference_mode(), forward_in(precision, device):
        check_output(model, model(images), images)
    seconds = seconds_of(predict, 2 + INFERENCE_PASSES, device)[2:]
    model.train()
    return seconds


def _warm_up(call: Callable[[], None], protocol: TimingProtocol, device: torch.device) -> tuple[list[float], bool]:
    """Iterate until two windows in a row agree; return the samples, and whether they did."""
    samples = seconds_of(call, max(protocol.warmup, 2 * protocol.window), device)
    while not agree(samples, protocol.window, protocol.tolerance):
        if len(samples) >= protocol.longest_warmup:
            return samples, False
        samples += seconds_of(call, protocol.window, device)
    return samples, True


def agree(samples: list[float], window: int, tolerance: float) -> bool:
    """Return whether the medians of the last two windows differ by no more than the relative tolerance."""
    last = float(np.median(samples[-window:]))
    before = float(np.median(samples[-2 * window : -window]))
    return abs(last - before) <= tolerance * min(last, before)


def _summary(raw: dict[str, list[float]], first: float, seen: TimingNumbers) -> TimingNumbers:
    """Add the summary statistics of the samples to what was observed meanwhile."""
    q25, median, q75 = (float(q) for q in np.percentile(raw["iteration"], [25, 50, 75]))
    return replace(
        seen,
        mean_seconds=float(np.mean(raw["iteration"])),
        median_seconds=median,
        q25_seconds=q25,
        q75_seconds=q75,
        with_data_seconds=float(np.median(raw["with_data"])),
        first_seconds=first,
        warmup_iterations=len(raw["warmup"]),
        trend=trend(raw["iteration"]),
    )


def trend(samples: list[float]) -> float | None:
    """Return the median of the last third of the samples over that of the first third; None for fewer than 3."""
    third = len(samples) // 3
    return float(np.median(samples[-third:]) / np.median(samples[:third])) if third else None
