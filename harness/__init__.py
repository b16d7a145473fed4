"""The engine: plans, schedules, records and reports trials. It knows no model.

import harness
model = harness.load("0123…")   # the id of a trial's run
classes = model.predict(images)   # (images,) int64 of (images, height, width) uint8
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.record.loading import Model

from harness.plugins.variants_finder import prefer_own_variants

prefer_own_variants()


def load(run: str, tracking_uri: str | None = None, *, trust_code: bool = False) -> Model:
    """The trained model of a trial: `predict` gives what its trial predicted, `module` is the `torch.nn.Module`.

    No code of the record is run: its variant has to be installed or loaded here. MLflow's settings, the environment and
    the loggers of the caller stay as they are.

    Arguments:
        run: the id of the trial's run in MLflow.
        tracking_uri: of the record; MLFLOW_TRACKING_URI, else the one under `results/` of the working directory, if
            not given.
        trust_code: take a plugin that is not loaded here, or is another one here, from the record. That runs what
            somebody wrote there.

    Raises:
        harness.errors.UserError: there is no such run, its model was not kept or can't be read, its weights are not
            those of its training, or its variant is not known here.
    """
    from harness.record.quiet import undisturbed

    with undisturbed():
        from harness.record.loading import load
        from harness.record.tracking_uri import find_tracking_uri, require_record

        tracking_uri = find_tracking_uri(tracking_uri, Path("results"))
        require_record(tracking_uri)
        return load(run, tracking_uri, trust_code)
