"""The data of a trial, on whichever machine it has come to."""

from __future__ import annotations

from harness.data import DATASETS, TaskData
from harness.errors import UserError
from harness.running.context import Context
from harness.trial import Trial


def task_data(trial: Trial, context: Context) -> TaskData:
    """The data that a trial trains and is tested on; a node of a cluster that has none yet fetches them.

    Raises:
        UserError: they can't be had here, or are not those that the trial was planned with.
    """
    dataset = DATASETS.get(trial.task)()
    try:
        data = dataset.load(context.data)
    except UserError:
        dataset.fetch(context.data, lambda _: None)
        data = dataset.load(context.data)
    digest = dataset.digest(context.data)
    if digest != trial.data:
        raise UserError(
            f"the data of '{trial.task}' in {context.data} on this node are {digest}, and the trial was planned with "
            f"{trial.data}; put the same files there."
        )
    return data
