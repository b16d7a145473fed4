"""Plan the table of errors: its rows on each task, and a trial for each of their seeds."""

from __future__ import annotations

from collections.abc import Mapping

from harness.data import DATASETS
from harness.data.tasks import Identity
from harness.errors import UserError
from harness.plan.key import keyed
from harness.plan.plan import PlannedRow
from harness.plan.rows import configured_rows
from harness.plan.trial import TrainingTrial, TrainingWork
from harness.suite.schema import ErrorTable, Suite, TrainedRow


def plan_training(suite: Suite, data: Mapping[str, Identity]) -> tuple[list[PlannedRow], list[TrainingTrial]]:
    """Return the rows of the table of errors on each task, and their trials, whose iterations are still open.

    Arguments:
        data: what is known of the data of each task.

    Raises:
        UserError: a row does not fit, or its batches are larger than its training set.
    """
    table = suite.errors
    if table is None:
        return [], []
    planned: list[PlannedRow] = []
    trials: list[TrainingTrial] = []
    by_task = [configured_rows(table.rows, task, "errors") for task in table.tasks]
    for row, on_tasks in zip(table.rows, zip(*by_task, strict=True), strict=True):
        for each in on_tasks:
            planned.append(each.planned())
            known = data[each.task]
            fields = each.trial_fields(known)
            work = _work(suite, table, row, each.task)
            trials += [
                keyed(TrainingTrial(**fields, seed=seed, tests=known.tests, remarks=known.remarks, work=work))
                for seed in table.seeds_of(row, each.task)
            ]
    return planned, trials


def _work(suite: Suite, table: ErrorTable, row: TrainedRow, task: str) -> TrainingWork:
    protocol = suite.protocols[row.protocol]
    size = DATASETS.get(task).train_size
    images = min(size, table.train_images or size)
    if protocol.batch_size > images:
        raise UserError(
            f"batch_size of protocol '{row.protocol}' is {protocol.batch_size}, but there are {images} training "
            f"images; lower it or raise train_images."
        )
    return TrainingWork(
        protocol=protocol,
        full_iterations=protocol.full_iterations(images),
        iterations=None,
        train_images=images,
        test_images=table.test_images,
        precision=suite.precision,
    )
