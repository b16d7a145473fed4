"""Measure the cost of trials on a Ray cluster, as many at a time as will run side by side later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import LocalRayletDiedError, RayError

from harness.engine.cluster import Cluster
from harness.engine.driver import SILENCE_SECONDS
from harness.engine.remote import FORK_SERVER, local_raylet_died
from harness.plan.budget import Cost
from harness.plan.trial import TrainingTrial
from harness.text import duration
from harness.worker.context import WorkerContext
from harness.worker.forkserver import TrialError, WorkerDied


@ray.remote(max_retries=2)
def measure_cost(trial: TrainingTrial, context: WorkerContext) -> Cost | TrialError:
    """Measure the cost of one trial in a fresh process."""
    try:
        found: Cost | TrialError = FORK_SERVER.run(
            "estimate_cost", trial, replace(context, gpu=bool(ray.get_gpu_ids())), lambda _: None
        )
    except WorkerDied as error:
        return TrialError(str(error), "")
    return found


def measure_costs(
    trials: Sequence[TrainingTrial],
    context_of: Callable[[TrainingTrial], WorkerContext],
    cluster: Cluster,
    say: Callable[[str], None],
) -> list[Cost | TrialError]:
    """Measure the costs of trials, in their order; `say` prints a line when none has ended for long."""
    tasks: list[Any] = [
        measure_cost.options(**cluster.request(trial)).remote(trial, context_of(trial)) for trial in trials
    ]
    left = tasks
    while left:
        ended, left = ray.wait(left, timeout=SILENCE_SECONDS)
        if not ended:
            say(f"silent    calibration: {len(left)} of {len(tasks)} have not ended for {duration(SILENCE_SECONDS)}")
    return [_cost_of(task) for task in tasks]


def _cost_of(task: Any) -> Cost | TrialError:
    """Return the result of a task; a `TrialError` if its worker or node died after all retries.

    Raises:
        UserError: Ray's raylet on this machine has died.
    """
    try:
        found: Cost | TrialError = ray.get(task)
    except LocalRayletDiedError:
        raise local_raylet_died() from None
    except RayError as error:
        return TrialError.from_exception(error)
    return found
