"""Where trials run: in this process, on a Ray of its own, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from harness.engine.cluster import Cluster, Node
from harness.engine.connect import connected
from harness.engine.events import Executor
from harness.engine.serial import SerialExecutor, estimate_here
from harness.plan.budget import Cost
from harness.plan.trial import TrainingTrial, Trial
from harness.suite.resources import Resources
from harness.worker.context import WorkerContext
from harness.worker.forkserver import TrialError
from harness.worker.processors import usable_cpus

ContextOf = Callable[[Trial], WorkerContext]


class Workplace(Protocol):
    """Runs trials, and says what they cost."""

    @property
    def slots(self) -> int:
        """How many training trials run at a time."""

    def threads(self, trial: Trial) -> int:
        """The processor threads that a trial runs with."""

    def check(self, trials: Sequence[Trial], where: str) -> None:
        """Reject trials that can never run here; `where` is the suite's file, for the message.

        Raises:
            UserError: there is one.
        """

    def executor(self, context_of: ContextOf, homes: Mapping[int, str]) -> Executor:
        """What runs trials; `homes` are the nodes that rounds of timing have begun on."""

    def costs(
        self, trials: Sequence[TrainingTrial], context_of: ContextOf, say: Callable[[str], None]
    ) -> list[Cost | TrialError]:
        """What trials cost here, in their order; `say` is told when that takes long."""


class ThisProcess:
    """Runs one trial after the other in this process."""

    slots = 1

    def __init__(self, resources: Resources) -> None:
        self._cluster = Cluster(resources, [Node(cpus=usable_cpus(), gpus=0, share=1)])

    def threads(self, trial: Trial) -> int:
        """See `Workplace.threads`."""
        return self._cluster.threads(trial)

    def check(self, trials: Sequence[Trial], where: str) -> None:
        """See `Workplace.check`. No GPU is used here, and memory is not reserved."""
        self._cluster.check(trials, where)

    def executor(self, context_of: ContextOf, homes: Mapping[int, str]) -> Executor:
        """See `Workplace.executor`."""
        return SerialExecutor(context_of)

    def costs(
        self, trials: Sequence[TrainingTrial], context_of: ContextOf, say: Callable[[str], None]
    ) -> list[Cost | TrialError]:
        """See `Workplace.costs`."""
        return [estimate_here(trial, context_of(trial)) for trial in trials]


class OnRay:
    """Runs trials on a Ray cluster, each in a fresh process."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def slots(self) -> int:
        """See `Workplace.slots`."""
        return self._cluster.slots

    def threads(self, trial: Trial) -> int:
        """See `Workplace.threads`."""
        return self._cluster.threads(trial)

    def check(self, trials: Sequence[Trial], where: str) -> None:
        """See `Workplace.check`."""
        self._cluster.check(trials, where)

    def executor(self, context_of: ContextOf, homes: Mapping[int, str]) -> Executor:
        """See `Workplace.executor`."""
        from harness.engine.remote import RayExecutor

        return RayExecutor(context_of, self._cluster, homes)

    def costs(
        self, trials: Sequence[TrainingTrial], context_of: ContextOf, say: Callable[[str], None]
    ) -> list[Cost | TrialError]:
        """See `Workplace.costs`."""
        from harness.engine.measuring import measure_costs

        return measure_costs(trials, context_of, self._cluster, say)


@contextmanager
def workplace(resources: Resources, address: str | None, plugins: Sequence[Path], serial: bool) -> Iterator[Workplace]:
    """Where a suite's trials run.

    Arguments:
        address: of a Ray cluster; one inside this process if None, and RAY_ADDRESS names no other.
        plugins: files that a cluster's nodes get.
        serial: run in this process, without Ray.

    Raises:
        UserError: no cluster answers, or none can be started here.
    """
    if serial:
        yield ThisProcess(resources)
        return
    with connected(address, list(plugins)) as nodes:
        yield OnRay(Cluster(resources, nodes))
