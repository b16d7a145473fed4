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
    """Load the trained model of a trial: `predict` returns its predictions, `module` is the `torch.nn.Module`.

    No code of the record is run: its variant must be installed or loaded in this process. MLflow's settings, the
    environment and the loggers of the caller are not changed.

    Arguments:
        run: the id of the trial's run in MLflow.
        tracking_uri: of the record; the default is MLFLOW_TRACKING_URI, else the record under `results/` in the
            working directory.
        trust_code: load a plugin from the record if it is missing here or differs. This runs code from the record.

    Raises:
        harness.errors.UserError: there is no such run, its model was not kept or can't be read, its weights differ from
            those that were trained, or its variant is unknown here.
    """
    from harness.record.quiet import undisturbed

    with undisturbed():
        from harness.record.loading import load
        from harness.record.tracking_uri import find_tracking_uri, require_record

        tracking_uri = find_tracking_uri(tracking_uri, Path("results"))
        require_record(tracking_uri)
        return load(run, tracking_uri, trust_code)
