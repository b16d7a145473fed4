"""What a resumed training keeps beside the weights: random states, all buffers, the algorithms that were chosen."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.plan.make import make_plan
from harness.plan.trial import TrainingTrial
from harness.registry import load_plugin
from harness.suite.load import load_suite
from harness.worker.autotune import autotune_cache
from harness.worker.context import WorkerContext
from harness.worker.result import AttemptSuperseded, Progress, Result
from harness.worker.train.checkpoint import Checkpoints, Owner
from harness.worker.train.training import train_trial
from variants.conv import large_kernel

NUMBERS = itertools.count()
VARIANT = """
import random
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from variants import Config, Output, Variant, register
from variants.conv.large_kernel import LargeKernelConv2d

@register({name!r})
class Chancy(Variant):
    Config = Config

    def __init__(self, config):
        super().__init__(config)
        {build}
        self.scores = nn.Linear(config.image_size**2, config.classes)

    def forward(self, images, labels=None):
        noise = 0
        {forward}
        return Output(self.scores(images.flatten(1)) + noise)

    def loss(self, output, images, labels):
        return F.cross_entropy(output.activities, labels)
"""
CHANCES = {
    "Python": "noise = random.gauss(0, 1) if self.training else 0",
    "NumPy": "noise = float(np.random.randn()) if self.training else 0",
    "torch": "noise = torch.randn(()) if self.training else 0",
    "in evaluation": "noise = float(np.random.randn()) + random.random() + torch.randn(())",
    "a buffer that is not saved": "self.seen += 1; noise = torch.sin(self.seen)",
    "the construction": "noise = self.drawn",
}
BUILD = (
    "self.drawn = random.random() + float(np.random.rand()); "
    "self.register_buffer('seen', torch.zeros(()), persistent=False)"
)


class Killed(Exception):
    """Stands for the death of the process."""


def kill_at(iteration: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.iteration >= iteration:
            raise Killed

    return report


def ignore(_: Progress) -> None:
    pass


@pytest.fixture
def context(tmp_path: Path) -> WorkerContext:
    return WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1)


@pytest.fixture
def chancy(tiny_suite: Path, tmp_path: Path) -> Callable[..., TrainingTrial]:
    """A training trial of a variant whose forward pass takes what it is told from chance."""

    def make(forward: str, build: str = BUILD) -> TrainingTrial:
        name = f"chancy{next(NUMBERS)}"
        plugin = tmp_path / f"{name}.py"
        plugin.write_text(VARIANT.format(name=name, forward=forward, build=build))
        load_plugin(plugin)
        tiny_suite.write_text(tiny_suite.read_text().replace("variant: tiny", f"variant: {name}"))
        return next(t for t in make_plan(load_suite(tiny_suite), tmp_path).trials if isinstance(t, TrainingTrial))

    return make


def without_times(result: Result) -> tuple[Any, ...]:
    history = [dataclasses.replace(point, seconds=0.0) for point in result.history]
    return result.weights, history, {name: found.tolist() for name, found in result.predictions.items()}


@pytest.mark.parametrize("chance", CHANCES)
def test_all_that_is_random_repeats_and_resumes(
    chancy: Callable[..., TrainingTrial], context: WorkerContext, tmp_path: Path, chance: str
) -> None:
    trial = chancy(CHANCES[chance])
    runs = []
    for kills in ((), (10,), (5, 12, 24)):
        torch.rand(3)
        context = dataclasses.replace(context, checkpoints=tmp_path / str(kills), checkpoint_seconds=0.0)
        for kill in kills:
            with pytest.raises(Killed):
                train_trial(trial, context, kill_at(kill))
        runs.append(without_times(train_trial(trial, context, ignore)))
    assert runs[0] == runs[1] == runs[2]


def test_an_evaluation_changes_nothing_of_the_training(
    chancy: Callable[..., TrainingTrial], context: WorkerContext
) -> None:
    """Whether it draws random numbers or not."""
    ends = []
    for evaluation in ("0", "random.random() + float(np.random.rand()) + torch.rand(())"):
        forward = f"noise = torch.randn(()) + random.random() if self.training else {evaluation}"
        ends.append(train_trial(chancy(forward), context, ignore).weights)
    assert ends[0] == ends[1]


def test_a_checkpoint_of_an_older_harness_counts_as_none(
    chancy: Callable[..., TrainingTrial], context: WorkerContext, caplog: pytest.LogCaptureFixture
) -> None:
    trial = chancy("")
    undisturbed = train_trial(trial, dataclasses.replace(context, checkpoints=context.data / "other"), ignore)
    kept = Checkpoints(context.checkpoints / trial.key)
    kept.save(6, {"iteration": 6, "model": {}})
    kept.save(9, {"weights": torch.zeros(3)})
    begun: list[int] = []
    result = train_trial(trial, context, lambda progress: begun.append(progress.begun_at))
    assert begun[0] == 0
    assert without_times(result) == without_times(undisturbed)
    assert caplog.text.count("does not fit and is left out") == 2


def test_one_that_comes_late_is_refused_and_its_successor_goes_on(
    chancy: Callable[..., TrainingTrial], context: WorkerContext
) -> None:
    trial = chancy("")
    second = dataclasses.replace(context, checkpoints_id="a", driver=1, attempt=2)

    def late(progress: Progress) -> None:
        if progress.iteration == 8:
            with pytest.raises(AttemptSuperseded):
                train_trial(trial, dataclasses.replace(second, attempt=1), ignore)

    assert train_trial(trial, second, late).weights


def test_two_suites_that_share_a_row_do_not_meet(chancy: Callable[..., TrainingTrial], context: WorkerContext) -> None:
    trial = chancy("")
    other = dataclasses.replace(context, checkpoints=context.data / "other", checkpoints_id="b", driver=3)
    weights = []

    def meanwhile(progress: Progress) -> None:
        if progress.iteration == 8:
            weights.append(train_trial(trial, other, ignore).weights)
            Checkpoints(other.checkpoints / trial.key, Owner("b", 3)).clear()

    weights.append(train_trial(trial, dataclasses.replace(context, checkpoints_id="a", driver=1), meanwhile).weights)
    assert weights[0] == weights[1]


def test_a_resumed_one_takes_the_algorithms_that_it_began_with(
    chancy: Callable[..., TrainingTrial], context: WorkerContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file of choices says another thing by then."""
    trial = chancy("images = self.large(images)", "self.large = LargeKernelConv2d(1, 1, 5, padding=2)")
    context = dataclasses.replace(context, checkpoint_seconds=0.0)
    for number, (first, second) in enumerate([("fast", "direct"), ("direct", "fast")]):
        context = dataclasses.replace(context, checkpoints=tmp_path / str(number))
        monkeypatch.setattr(large_kernel, "measure", lambda *_, found=first: found)
        with autotune_cache(tmp_path / "first"), pytest.raises(Killed):
            train_trial(trial, context, kill_at(10))
        monkeypatch.setattr(large_kernel, "measure", lambda *_, found=second: found)
        with autotune_cache(tmp_path / "second"):
            assert train_trial(trial, context, ignore).machine["convolutions"] == f"large {first}"
        for path in (tmp_path / "first", tmp_path / "second"):
            for file in path.glob("*.json"):
                file.unlink()
