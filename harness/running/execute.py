"""Run one trial in this process, whatever its kind."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from harness.registry import load_plugin
from harness.running.context import Context, Report
from harness.trial import Progress, Result, Trial

if TYPE_CHECKING:
    from harness.budget import Cost


def execute(trial: Trial, context: Context, report: Report) -> Result:
    """Train or time a variant.

    Arguments:
        report: is told now and then how far a training has come.

    Raises:
        UserError: a plugin or dataset is missing on this machine.
        Diverged: the loss became infinite or not a number.
    """
    from harness.running.timing import measure
    from harness.running.training import train

    with _prepared(trial, context):
        return measure(trial, context) if trial.kind == "timing" else train(trial, context, report)


def estimate(trial: Trial, context: Context, report: Report) -> Cost:
    """What a training trial costs here.

    Arguments:
        report: is told that it has begun.

    Raises:
        UserError: a plugin or dataset is missing on this machine.
    """
    from harness.running.calibration import calibrate

    report(Progress(0, 0, stage="calibrating"))
    with _prepared(trial, context):
        return calibrate(trial, context)


def _here(plugin: Path) -> Path:
    """A plugin's file on this machine: the user's own, or the copy that a cluster has sent along."""
    sent = importlib.util.find_spec(plugin.stem) if not plugin.is_file() and plugin.stem.isidentifier() else None
    return Path(sent.origin) if sent is not None and sent.origin else plugin


@contextmanager
def _prepared(trial: Trial, context: Context) -> Iterator[None]:
    """This process with the threads, plugins, precision and choices of algorithms that a trial needs."""
    from harness.running.choices import kept_choices
    from harness.running.precision import products_in

    work = trial.timing or trial.training
    assert work is not None
    torch.set_num_threads(context.threads)
    for path in context.plugins:
        load_plugin(_here(path))
    with kept_choices(context.algorithms), products_in(work.precision):
        yield
