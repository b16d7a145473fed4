"""Run the forward pass of plugin variants on the meta device, to find a wrong output before any trial starts."""

from __future__ import annotations

from collections.abc import Iterable

import torch

import variants
from harness.errors import UserError
from harness.plan.trial import Trial
from harness.plugins import load as plugins
from harness.plugins.foreign_code import foreign_code
from harness.worker.checks import check_output
from harness.worker.model_size import SkipInit
from variants import VARIANTS

IMAGES = 2


def rehearse(trials: Iterable[Trial]) -> None:
    """Run the forward pass of each configuration of plugin variants once, on the meta device.

    A variant that can't run there is left to its trial.

    Raises:
        UserError: an output does not satisfy `variants.contract`.
    """
    for trial in {trial.model: trial for trial in trials}.values():
        if any(plugins.path_of(module) is not None for module in VARIANTS.sources(trial.variant)):
            _rehearse(trial)


def _rehearse(trial: Trial) -> None:
    size, channels = trial.config["image_size"], trial.config["image_channels"]
    with foreign_code(), torch.device("meta"), SkipInit():
        try:
            model = variants.build(trial.variant, **trial.config)
            images = torch.empty(IMAGES, channels, size, size)
            output = model(images, torch.zeros(IMAGES, dtype=torch.int64))
        except Exception:
            return
    try:
        check_output(model, output, images)
    except UserError as error:
        raise UserError(f"variant '{trial.variant}': {error}") from None
