"""Training: what an iteration does, curves, divergence, and resuming with the same bits."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import variants
from harness.data import DATASETS, Examples
from harness.data.batches import Batches
from harness.data.subset import stratified
from harness.plan.trial import TrainingTrial
from harness.worker.context import WorkerContext
from harness.worker.numbers import TrainingNumbers
from harness.worker.result import Diverged, Point, Progress, Result
from harness.worker.train import training
from harness.worker.train.checkpoint import Checkpoints
from harness.worker.train.training import Training, train_trial

MakeTrial = Callable[..., TrainingTrial]
CPU = torch.device("cpu")
PER_EPOCH = 6  # 120 images in batches of 20
Weights = dict[str, torch.Tensor]


class Killed(Exception):
    """Stands for the death of the process."""


@pytest.fixture
def context(tmp_path: Path) -> WorkerContext:
    return WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1)


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> list[Weights]:
    """The weights at each test, the last ones being those of the trained model."""
    seen: list[Weights] = []
    predict = training.predict

    def spy(model: variants.Variant, *rest: Any) -> np.ndarray:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return predict(model, *rest)

    monkeypatch.setattr(training, "predict", spy)
    return seen


def kill_at(iteration: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.iteration >= iteration:
            raise Killed

    return report


def ignore(_: Progress) -> None:
    pass


def timeless(history: tuple[Point, ...]) -> list[Point]:
    return [dataclasses.replace(point, seconds=0.0) for point in history]


def numbers_of(result: Result) -> TrainingNumbers:
    assert isinstance(result.numbers, TrainingNumbers)
    return result.numbers


def unmeasured(result: Result) -> TrainingNumbers:
    return dataclasses.replace(numbers_of(result), training_seconds=None, peak_memory_mib=None)


def assert_same(one: Result, other: Result) -> None:
    """Equal in every bit but for what measures time and memory."""
    assert timeless(one.history) == timeless(other.history)
    assert unmeasured(one) == unmeasured(other)
    assert one.predictions.keys() == other.predictions.keys()
    for name, found in one.predictions.items():
        assert np.array_equal(found, other.predictions[name])


def run_on(trial: TrainingTrial, data: Path) -> Training:
    return Training(trial, DATASETS.get(trial.task)().load(data), CPU)


def test_an_iteration_is_what_it_is_in_a_plain_loop(
    training_trial: MakeTrial, context: WorkerContext, weights: list[Weights]
) -> None:
    result = train_trial(training_trial(), context, ignore)
    data = DATASETS.get("tiny-digits")().load(context.data).train
    torch.manual_seed(0)
    model = variants.build("tiny", image_size=12, classes=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    batches = Batches(data, image_size=12, batch_size=20, shift=0, seed=0, device=CPU)
    losses, wrong = [], []
    for iteration in range(24):
        images, labels = batches.at(iteration)
        optimizer.param_groups[0]["lr"] = 0.01 * 0.5 ** (iteration / 6)
        scores = model(images).activities
        loss = torch.nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        wrong.append((scores.argmax(1) != labels).sum().item())
    for name, value in model.state_dict().items():
        torch.testing.assert_close(weights[-1][name], value, rtol=1e-5, atol=1e-7)
    assert [point.iteration for point in result.history] == list(range(2, 25, 2))
    for point in result.history:
        last = slice(point.iteration - 2, point.iteration)
        assert point.metrics["train/loss"] == pytest.approx(np.mean(losses[last]), rel=1e-5)
        assert point.metrics["train/error_percent"] == pytest.approx(100 * sum(wrong[last]) / 40)
        assert point.epoch == pytest.approx(point.iteration / PER_EPOCH)


def test_it_learns_and_is_tested_on_every_set(training_trial: MakeTrial, context: WorkerContext) -> None:
    result = train_trial(training_trial(), context, ignore)
    tests = DATASETS.get("tiny-digits")().load(context.data).tests
    numbers = numbers_of(result)
    assert set(result.predictions) == {"tiny-digits", "noisy"}
    for name, found in result.predictions.items():
        wrong = sum(int(p != label) for p, label in zip(found, tests[name].labels, strict=True))
        assert numbers.tests[name].error_percent == pytest.approx(100 * wrong / 45)
        assert numbers.tests[name].images == 45
    assert numbers.tests["tiny-digits"].error_percent < 30  # chance is 75
    assert numbers.parameters == 144 * 6 + 6 + 6 * 4 + 4
    assert numbers.training_seconds is not None
    assert numbers.training_seconds > 0
    tested = [p.iteration for p in result.history if "test/noisy/error_percent" in p.metrics]
    assert tested == [6, 12, 18]  # after each epoch; the end has its own


def test_only_the_images_that_the_suite_names(training_trial: MakeTrial, context: WorkerContext) -> None:
    trial = training_trial(("seeds: [0]", "seeds: [0]\n  train_images: 45\n  test_images: 9"))
    assert run_on(trial, context.data).batches.per_epoch == 2
    data = DATASETS.get("tiny-digits")().load(context.data).train
    drawn = {image.tobytes() for image in data.images[stratified(data.labels, 45)]}
    images, _ = run_on(trial, context.data).batches.at(0)
    assert {(image * 255).round().byte().numpy().tobytes() for image in images[:, 0]} <= drawn
    result = train_trial(trial, context, ignore)
    assert len(result.predictions["noisy"]) == numbers_of(result).tests["noisy"].images == 9


@pytest.mark.parametrize(
    ("kills", "seconds"),
    [
        ([10], 0.0),  # in mid-epoch, with a checkpoint of that very iteration
        ([10], 1e9),  # in mid-epoch, with the last epoch's checkpoint
        ([2], 1e9),  # before any checkpoint
        ([4, 10, 16, 22], 0.0),
        ([24], 1e9),  # in the tests at the end
    ],
)
def test_killed_and_resumed_it_ends_with_the_same_bits(
    training_trial: MakeTrial, context: WorkerContext, weights: list[Weights], kills: list[int], seconds: float
) -> None:
    trial = training_trial()
    undisturbed = train_trial(trial, dataclasses.replace(context, checkpoints=context.data / "other"), ignore)
    expected = weights[-1]
    context = dataclasses.replace(context, checkpoint_seconds=seconds)
    for kill in kills:
        with pytest.raises(Killed):
            train_trial(trial, context, kill_at(kill))
        torch.rand(7)  # another process would not have this random state either
    resumed_at: list[int] = []
    resumed = train_trial(trial, context, lambda progress: resumed_at.append(progress.iteration))
    assert resumed_at[0] == (
        0 if kills == [2] else kills[-1] if seconds == 0 else kills[-1] // 6 * 6 - 6 * (kills == [24])
    )
    assert_same(undisturbed, resumed)
    for name, value in expected.items():
        assert torch.equal(weights[-1][name], value), name


def test_resumed_in_the_middle_of_an_interval_of_the_curve(
    training_trial: MakeTrial, context: WorkerContext, weights: list[Weights]
) -> None:
    trial = training_trial()
    undisturbed = train_trial(trial, dataclasses.replace(context, checkpoints=context.data / "other"), ignore)
    expected = weights[-1]
    context = dataclasses.replace(context, checkpoint_seconds=0.0)
    with pytest.raises(Killed):
        train_trial(trial, context, kill_at(10))
    newest = context.checkpoints / trial.key / "0000000010.pt"
    newest.write_bytes(newest.read_bytes()[:1000])  # torn: what counts is iteration 9, between two points
    found = Checkpoints(context.checkpoints / trial.key).latest()
    assert found is not None
    assert found["iteration"] == 9
    assert_same(undisturbed, train_trial(trial, context, ignore))
    for name, value in expected.items():
        assert torch.equal(weights[-1][name], value), name


def test_seeds_differ_and_repeat(training_trial: MakeTrial, context: WorkerContext, weights: list[Weights]) -> None:
    for number, seed in enumerate((0, 0, 1)):
        trial = training_trial(("seeds: [0]", f"seeds: [{seed}]"))
        train_trial(trial, dataclasses.replace(context, checkpoints=context.data / str(number)), ignore)
        final = weights[-1]
        if number == 0:
            first = final
    assert not torch.equal(first["hidden.weight"], final["hidden.weight"])
    trial = training_trial()
    train_trial(trial, dataclasses.replace(context, checkpoints=context.data / "again"), ignore)
    assert torch.equal(weights[-1]["hidden.weight"], first["hidden.weight"])


@pytest.mark.parametrize("poison", [0, 3, 5, 17])
def test_a_loss_that_is_not_finite_is_told_with_its_iteration(
    training_trial: MakeTrial, context: WorkerContext, poison: int
) -> None:
    with pytest.raises(Diverged, match=f"not finite from iteration {poison} on$") as caught:
        train_trial(training_trial(poison=poison), context, ignore)
    assert caught.value.iteration == poison
    again = pickle.loads(pickle.dumps(caught.value))  # as it comes back from a worker
    assert (str(again), again.iteration) == (str(caught.value), poison)


@pytest.mark.parametrize("iterations", [6, 12, 24])
def test_a_fraction_of_the_protocol_runs_through_the_whole_schedule(
    training_trial: MakeTrial, context: WorkerContext, iterations: int
) -> None:
    trial = training_trial()
    work = trial.work.model_copy(update={"iterations": iterations})
    running = run_on(trial.model_copy(update={"work": work}), context.data)
    for iteration in range(iterations):
        running.step()
        expected = 0.01 * 0.5 ** (iteration * 24 / iterations / 6)
        assert running.optimizer.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("iterations", [1, 2, 9, 10, 11, 19, 24, 59, 60, 61, 240])
def test_a_curve_has_ten_points_where_it_can(
    training_trial: MakeTrial, context: WorkerContext, iterations: int
) -> None:
    trial = training_trial()
    work = trial.work.model_copy(update={"iterations": iterations})
    running = run_on(trial.model_copy(update={"work": work}), context.data)
    points = []
    for running.iteration in range(1, iterations + 1):
        if running.is_point:
            points.append(running.iteration)
    assert len(points) >= min(10, iterations)
    assert points[-1] == iterations
    assert set(range(PER_EPOCH, iterations + 1, PER_EPOCH)) <= set(points)


def test_progress_carries_the_whole_history(training_trial: MakeTrial, context: WorkerContext) -> None:
    told: list[Progress] = []
    result = train_trial(training_trial(), context, told.append)
    assert told[0] == Progress(0, 24)
    assert told[-1].stage == "testing"
    assert told[-1].history == result.history
    lengths = [len(progress.history) for progress in told]
    assert lengths == sorted(lengths)


def test_a_checkpoint_comes_at_every_epochs_end(training_trial: MakeTrial, context: WorkerContext) -> None:
    trial = training_trial()
    train_trial(trial, context, ignore)
    kept = sorted(path.stem for path in (context.checkpoints / trial.key).glob("*.pt"))
    assert kept == ["0000000012", "0000000018"]


def test_real_digits_with_shifts_and_dropout_resume_too(data_dir: Path, tmp_path: Path) -> None:
    from harness.plan.make import make_plan
    from harness.suite.load import load_suite

    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "name: real\nprotocols: {p: {batch_size: 10, epochs: 1, learning_rate: 0.001, shift: 2}}\n"
        "errors: {tasks: [mnist], seeds: [3], train_images: 80, test_images: 20,\n"
        "  rows: [{variant: cnn, config: {width: 4}, protocol: p}]}\n"
    )
    [trial] = make_plan(load_suite(suite), data_dir).training
    context = WorkerContext(data=data_dir, checkpoints=tmp_path / "a", threads=1, checkpoint_seconds=0.0)
    undisturbed = train_trial(trial, context, ignore)
    context = dataclasses.replace(context, checkpoints=tmp_path / "b")
    with pytest.raises(Killed):
        train_trial(trial, context, kill_at(5))
    assert_same(undisturbed, train_trial(trial, context, ignore))


def test_images_larger_than_the_model_are_refused(training_trial: MakeTrial) -> None:
    from harness.errors import UserError

    trial = training_trial()
    trial = trial.model_copy(update={"config": trial.config | {"image_size": 11}})
    big = Examples(np.zeros((120, 12, 12), np.uint8), np.zeros(120, np.uint8))
    from harness.data import TaskData

    with pytest.raises(UserError, match="12×12 pixels"):
        Training(trial, TaskData(big, {}), CPU)
