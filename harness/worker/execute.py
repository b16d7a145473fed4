"""The work that a worker can do for a trial, in the current process."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from harness.data import DATASETS
from harness.errors import UserError
from harness.plan.trial import TimingTrial, TrainingTrial, Trial
from harness.plugins.foreign_code import state_restored
from harness.plugins.load import load_plugin, set_fallback_plugins
from harness.plugins.source import engine_digest, file_digest
from harness.worker.context import Report, WorkerContext
from harness.worker.result import Progress, Result
from variants import VARIANTS

if TYPE_CHECKING:
    from harness.plan.budget import Cost
    from harness.worker.result import SentinelRun


def execute_trial(trial: Trial, context: WorkerContext, report: Report) -> Result:
    """Train or time a variant.

    Arguments:
        report: receives the progress of a training trial, about once a second.

    Raises:
        UserError: a plugin or dataset is missing on this machine, or its source is not what was planned.
        Diverged: the loss became infinite or not a number.
    """
    from harness.worker.timing.timing import time_trial
    from harness.worker.train.training import train_trial

    with _prepared(trial, context):
        return time_trial(trial, context) if trial.kind == "timing" else train_trial(trial, context, report)


def estimate_cost(trial: TrainingTrial, context: WorkerContext, report: Report) -> Cost:
    """Measure the cost of a training trial on this machine.

    Arguments:
        report: receives one progress report at the start.

    Raises:
        UserError: a plugin or dataset is missing on this machine, or its source is not what was planned.
    """
    from harness.worker.train.calibration import calibrate

    report(Progress(0, 0, stage="calibrating"))
    with _prepared(trial, context):
        return calibrate(trial, context)


def run_sentinel(trial: TimingTrial, context: WorkerContext, report: Report) -> SentinelRun:
    """Time the sentinel with the threads, precision and device of a timing trial."""
    from harness.device import choose_device
    from harness.worker.timing.sentinel import time_sentinel

    with _settings(trial, context):
        return time_sentinel(trial.work.protocol.sentinel, trial.work.precision, choose_device(context.gpu))


def _here(plugin: Path, trial: Trial, context: WorkerContext) -> tuple[Path, bytes | None]:
    """Return the path of a plugin and, if the driver has sent it with the trial, its content."""
    text = context.plugin_texts.get(plugin)
    return (plugin, text) if text is not None else (_found(plugin, trial), None)


def _found(plugin: Path, trial: Trial) -> Path:
    """Return a plugin's file on this machine: the user's own, or the copy in Ray's runtime environment.

    If both exist and differ, return the one that the trial was planned with.
    """
    spec = None
    with suppress(ImportError, ValueError):  # the name may be that of a module without a file
        spec = importlib.util.find_spec(plugin.stem) if plugin.stem.isidentifier() else None
    sent = Path(spec.origin) if spec is not None and spec.origin is not None and spec.has_location else plugin
    if not plugin.is_file():
        return sent
    if sent != plugin and sent.is_file() and file_digest(plugin) not in {trial.source, trial.data_source}:
        return sent if file_digest(sent) in {trial.source, trial.data_source} else plugin
    return plugin


def _check_sources(trial: Trial, context: WorkerContext) -> None:
    """Check that the source code on this machine is the code that the trial was planned with.

    Raises:
        UserError: it differs.
    """
    if context.engine and context.engine != engine_digest():
        raise UserError(
            f"the harness on this node has other files than the driver's (planned with {context.engine}, here is "
            f"{engine_digest()}); give the same command again, and if that does not help, stop runs from other "
            f"checkouts."
        )
    planned = [
        (f"the dataset '{trial.task}'", trial.data_source, DATASETS.source_digest(trial.task)),
        (f"the variant '{trial.variant}'", trial.source, VARIANTS.source_digest(trial.variant)),
    ]
    for what, wanted, found in planned:
        if wanted != found:
            raise UserError(
                f"the source of {what} here is not what the trial was planned with (planned {wanted}, here {found}): "
                f"it was changed since, or this node has other files; give the same command again to run it as it is."
            )


@contextmanager
def _prepared(trial: Trial, context: WorkerContext) -> Iterator[None]:
    """Load a trial's plugins and check its sources; apply its settings and the autotune cache inside."""
    from harness.worker.autotune import autotune_cache

    for path in context.plugins:
        load_plugin(*_here(path, trial, context))
    set_fallback_plugins([_here(path, trial, context) for path in context.fallback_plugins])
    _check_sources(trial, context)
    with _settings(trial, context), autotune_cache(context.algorithms):
        yield


@contextmanager
def _settings(trial: Trial, context: WorkerContext) -> Iterator[None]:
    """Set a trial's threads and precision; restore the settings of this process on exit."""
    from harness.worker.precision import products_in

    with state_restored():
        torch.set_num_threads(context.threads)
        with products_in(trial.work.precision):
            yield
