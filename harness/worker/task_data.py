"""Load a trial's data, fetching and verifying them on this node if necessary."""

from __future__ import annotations

from harness.data import TaskData, tasks
from harness.errors import UserError
from harness.plan.trial import Trial
from harness.worker.context import WorkerContext


def task_data(trial: Trial, context: WorkerContext) -> TaskData:
    """Return the data that a trial trains and is tested on, after fetching them if this node has none.

    Raises:
        UserError: they can't be fetched, or differ from those that the trial was planned with.
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
