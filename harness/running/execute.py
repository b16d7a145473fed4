"""Run one trial in this process, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from harness.registry import load_plugin
from harness.running.context import Context, Report
from harness.trial import Result, Trial

if TYPE_CHECKING:
    from harness.running.calibration import Cost


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

    with _prepared(context):
        return measure(trial, context) if trial.kind == "timing" else train(trial, context, report)


def estimate(trial: Trial, context: Context) -> Cost:
    """What a training trial costs here.

    Raises:
        UserError: a plugin or dataset is missing on this machine.
    """
    from harness.running.calibration import calibrate

    with _prepared(context):
        return calibrate(trial, context)


@contextmanager
def _prepared(context: Context) -> Iterator[None]:
    """This process with the threads, plugins and choices of algorithms that a trial needs."""
    from harness.running.choices import kept_choices

    torch.set_num_threads(context.threads)
    for path in context.plugins:
        load_plugin(path)
    with kept_choices(context.algorithms):
        yield
