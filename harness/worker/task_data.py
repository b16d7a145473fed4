"""The data of a trial, on whichever machine it has come to."""

from __future__ import annotations

from harness.data import TaskData, tasks
from harness.errors import UserError
from harness.plan.trial import Trial
from harness.worker.context import WorkerContext


def task_data(trial: Trial, context: WorkerContext) -> TaskData:
    """The data that a trial trains and is tested on; a node of a cluster that has none yet fetches them.

    Raises:
        UserError: they can't be had here, or are not those that the trial was planned with.
    """
    try:
        data = tasks.load(trial.task, context.data)
    except UserError:
        tasks.fetch(trial.task, context.data, lambda _: None)
        data = tasks.load(trial.task, context.data)
    found = tasks.identify(trial.task, context.data)
    if found.digest != trial.data:
        raise UserError(
            f"the data of '{trial.task}' in {context.data} on this node are {found.digest}, and the trial was planned "
            f"with {trial.data}; put the same files there."
        )
    if trial.kind == "training" and trial.tests and trial.tests != tuple(data.tests):
        raise UserError(
            f"the tests of '{trial.task}' on this node are {', '.join(data.tests)}, and the trial was planned with "
            f"{', '.join(trial.tests)}; run the suite again."
        )
    return data
