"""What a variant gives, and what is refused in training, in timing, and before anything runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.plan.make import make_plan
from harness.plan.trial import Trial
from harness.registry import load_plugin
from harness.suite.load import load_suite
from harness.worker.context import WorkerContext
from harness.worker.rehearsal import rehearse
from harness.worker.result import Diverged
from harness.worker.timing.timing import time_trial
from harness.worker.train.training import train_trial

NUMBERS = itertools.count()
VARIANT = """
import torch
from torch import nn
from torch.nn import functional as F
from variants import Config, Output, Variant, register

@register({name!r})
class Odd(Variant):
    Config = Config

    def __init__(self, config):
        super().__init__(config)
        self.scores = nn.Linear(config.image_size**2, config.classes)
        {build}

    def forward(self, images, labels=None):
        scores = self.scores(images.flatten(1))
        {forward}
        return Output(scores)

    def loss(self, output, images, labels):
        {loss}
        return F.cross_entropy(output.activities, labels)
"""
Odd = Callable[..., dict[str, Trial]]


@pytest.fixture
def odd(tiny_suite: Path, tmp_path: Path) -> Odd:
    """A trial of each kind of a variant with something odd in it."""

    def make(build: str = "", forward: str = "", loss: str = "", more: str = "") -> dict[str, Trial]:
        name = f"odd{next(NUMBERS)}"
        plugin = tmp_path / f"{name}.py"
        plugin.write_text(VARIANT.format(name=name, build=build, forward=forward, loss=loss) + more)
        load_plugin(plugin)
        tiny_suite.write_text(tiny_suite.read_text().replace("variant: tiny", f"variant: {name}"))
        return {t.kind: t for t in make_plan(load_suite(tiny_suite), tmp_path).trials if t.row == 0}

    return make


def run(trial: Trial, folder: Path) -> object:
    context = WorkerContext(data=folder, checkpoints=folder / "checkpoints", threads=1)
    return time_trial(trial, context) if trial.kind == "timing" else train_trial(trial, context, lambda _: None)


BOTH = pytest.mark.parametrize("kind", ["training", "timing"])
FORWARDS = {
    "return scores": "but returned a tensor of shape (20, 4) and type float32",
    "return scores, images": "but returned a tuple of 2 (Tensor, Tensor)",
    "return None": "but returned nothing (None)",
    "return Output(scores[:, :3])": "(20, 4), but they are a tensor of shape (20, 3)",
    "return Output(scores.mean())": "but they are a tensor of shape ()",
    "return Output(scores.T)": "but they are a tensor of shape (4, 20)",
    "return Output(scores.argmax(1))": "but they are a tensor of shape (20,)",
    "return Output((scores * 9).long())": "and type int64",
    "return Output([1, 2])": "but they are a list of 2",
}


@BOTH
@pytest.mark.parametrize("forward", FORWARDS)
def test_forward_that_returns_something_else(odd: Odd, tmp_path: Path, kind: str, forward: str) -> None:
    trial = odd(forward=forward)[kind]
    with pytest.raises(UserError, match=r"^forward of Odd must return an Output") as caught:
        run(trial, tmp_path)
    assert FORWARDS[forward] in str(caught.value)
    with pytest.raises(UserError, match=f"^variant '{trial.variant}': forward of Odd must return an Output"):
        rehearse([trial])


@BOTH
def test_forward_that_returns_something_else_in_evaluation_alone(odd: Odd, tmp_path: Path, kind: str) -> None:
    with pytest.raises(UserError, match="forward of Odd must return an Output"):
        run(odd(forward="if labels is None: return scores")[kind], tmp_path)


@BOTH
@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("return F.cross_entropy(output.activities, labels, reduction='none')", "a tensor of shape (20,)"),
        ("return F.cross_entropy(output.activities, labels).item()", "a value of type float"),
        ("return None", "nothing"),
        ("return F.cross_entropy(output.activities.detach(), labels)", "does not depend on any parameter"),
        ("return images.sum().requires_grad_()", "no parameter of Odd has a gradient"),
    ],
)
def test_loss_that_nothing_can_be_learned_from(odd: Odd, tmp_path: Path, kind: str, loss: str, told: str) -> None:
    with pytest.raises(UserError, match="Odd") as caught:
        run(odd(loss=loss)[kind], tmp_path)
    assert told in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    ("place", "change", "what"),
    [
        ("forward", "images.mul_(0.5)", "images"),
        ("forward", "images.data.numpy()[:] = 0", "images"),
        ("loss", "images.zero_()", "images"),
        ("loss", "labels.add_(1).remainder_(4)", "labels"),
    ],
)
def test_a_batch_that_is_changed_in_place(
    odd: Odd, tmp_path: Path, kind: str, place: str, change: str, what: str
) -> None:
    with pytest.raises(UserError, match=f"Odd changes the {what} that it is given in place"):
        run(odd(**{place: change})[kind], tmp_path)


@pytest.mark.parametrize("factor", ["float('inf')", "float('nan')", "(float('inf') if self.seen > 6 else 1)"])
def test_a_timed_loss_that_is_not_finite(odd: Odd, tmp_path: Path, factor: str) -> None:
    loss = f"self.seen += 1; return F.cross_entropy(output.activities, labels) * {factor}"
    with pytest.raises(UserError, match=r"the loss of Odd is (inf|nan) after the (first|last) iteration"):
        run(odd(build="self.seen = 0", loss=loss)["timing"], tmp_path)
    with pytest.raises(Diverged):
        run(odd(build="self.seen = 0", loss=loss)["training"], tmp_path)


@BOTH
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            "\nOdd.get_extra_state = lambda self: {'seen': 3}\nOdd.set_extra_state = lambda self, s: None",
            "_extra_state",
        ),
        ("\nOdd.parameters = lambda self, recurse=True: iter(())", "has no parameter"),
    ],
)
def test_a_state_that_no_checkpoint_holds_is_refused_before_the_first_step(
    odd: Odd, tmp_path: Path, kind: str, more: str, told: str
) -> None:
    trial = odd(forward="raise AssertionError", more=more)[kind]
    with pytest.raises(UserError, match=told):
        run(trial, tmp_path)


def test_what_cannot_be_seen_without_numbers_is_left_to_the_trial(odd: Odd, tmp_path: Path) -> None:
    rehearse(odd(forward="if scores.sum().item() > 0: return scores").values())
    rehearse(odd(build="raise ValueError").values())
    rehearse(odd().values())


def test_a_variant_of_ours_passes(odd: Odd, tmp_path: Path) -> None:
    run(odd()["timing"], tmp_path)
    run(odd()["training"], tmp_path)
