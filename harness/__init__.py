"""The engine: plans, schedules, records and reports trials. It knows no model.

import harness
model = harness.load("0123…")   # the id of a trial's run
classes = model.predict(images)   # (images,) int64 of (images, height, width) uint8
"""

from pathlib import Path
from typing import Any

from harness.beside import find_variants_beside

find_variants_beside()


def load(run: str, tracking_uri: str | None = None) -> Any:
    """The trained model of a trial, as an `mlflow.pyfunc.PyFuncModel`; it predicts what its trial predicted.

    Arguments:
        run: the id of the trial's run in MLflow.
        tracking_uri: of the record; the one under `results/` of the working directory if not given.

    Raises:
        harness.errors.UserError: there is no such run, or its model was not kept.
    """
    from harness.record.address import be_quiet, check_address, default_address

    be_quiet()
    address = tracking_uri or default_address(Path("results"))
    check_address(address)
    from harness.record.model import load

    return load(run, address)
