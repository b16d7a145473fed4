"""Update a plan with what is known later: the data, once they are fetched, and the fraction that a budget allows."""

from __future__ import annotations

from pathlib import Path

from harness.data.tasks import identify
from harness.plan.budget import iterations_at
from harness.plan.key import keyed
from harness.plan.plan import Plan
from harness.plan.trial import TimingTrial, TrainingTrial
from harness.plugins.foreign_code import foreign_code


def with_data(plan: Plan, folder: Path) -> Plan:
    """Return the plan with the digests and tests of the data that are in a folder now.

    Raises:
        UserError: the data of a task can't be identified.
    """
    with foreign_code():  # a plugin's dataset has code of its own
        found = {task: identify(task, folder) for task in sorted({trial.task for trial in plan.trials})}

    def training(trial: TrainingTrial) -> TrainingTrial:
        data = found[trial.task]
        update = {"data": data.digest, "tests": data.tests, "remarks": data.remarks}
        return keyed(trial.model_copy(update=update))

    def timing(trial: TimingTrial) -> TimingTrial:
        return keyed(trial.model_copy(update={"data": found[trial.task].digest}))

    trials = [training(each) if each.kind == "training" else timing(each) for each in plan.trials]
    return plan.model_copy(update={"trials": trials})


def at_fraction(plan: Plan, fraction: float | None) -> Plan:
    """Return the plan at a fraction of each training protocol, if its budget left that open; None leaves it open."""
    if plan.fraction is not None or fraction is None:
        return plan

    def shortened(trial: TrainingTrial) -> TrainingTrial:
        work = trial.work.model_copy(update={"iterations": iterations_at(trial.work, fraction)})
        return keyed(trial.model_copy(update={"work": work}))

    trials = [shortened(each) if each.kind == "training" else each for each in plan.trials]
    return plan.model_copy(update={"fraction": fraction, "trials": trials})
