"""Measure what trials cost on a Ray cluster, as many at a time as will run together later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ray

from harness.engine.cluster import Node, request_of
from harness.engine.display import clock
from harness.engine.driver import SILENCE
from harness.engine.remote import TEMPLATE
from harness.plan.budget import Cost
from harness.plan.trial import Trial
from harness.suite.schema import Resources
from harness.worker.context import Context
from harness.worker.forkserver import Broken, Lost


@ray.remote(max_retries=2)
def measure_cost(trial: Trial, context: Context) -> Cost | Broken:
    """One trial's costs."""
    try:
        found: Cost | Broken = TEMPLATE.run(
            "estimate", trial, replace(context, gpu=bool(ray.get_gpu_ids())), lambda _: None
        )
    except Lost as error:
        return Broken(str(error), "")
    return found


def measure_costs(
    trials: list[Trial],
    context_of: Callable[[Trial], Context],
    resources: Resources,
    offers: list[Node],
    say: Callable[[str], None],
) -> list[Cost | Broken]:
    """The costs of trials, in their order; `say` is told when none of them has ended for long."""
    tasks: list[Any] = [
        measure_cost.options(**request_of(trial, resources, offers)).remote(trial, context_of(trial))
        for trial in trials
    ]
    left = tasks
    while left:
        ended, left = ray.wait(left, timeout=SILENCE)
        if not ended:
            say(f"silent    calibration: {len(left)} of {len(tasks)} have not ended for {clock(SILENCE)}")
    costs: list[Cost | Broken] = ray.get(tasks)
    return costs
