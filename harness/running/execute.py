"""Run one trial in this process, whatever its kind."""

from __future__ import annotations

import torch

from harness.registry import load_plugin
from harness.running.context import Context, Report
from harness.trial import Result, Trial


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

    torch.set_num_threads(context.threads)
    for path in context.plugins:
        load_plugin(path)
    return measure(trial, context) if trial.kind == "timing" else train(trial, context, report)
