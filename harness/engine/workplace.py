"""Where trials run: in this process, on an embedded Ray, or on a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

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


class Workplace(ABC):
    """Makes executors for trials, and measures the cost of trials.

    Arguments:
        cluster: what there is, and what the suite asks of it.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @property
    def slots(self) -> int:
        """Number of training trials that run at the same time."""
        return self.cluster.slots

    @abstractmethod
    def executor(self, context_of: ContextOf, homes: Mapping[int, str]) -> Executor:
        """Return an executor; `homes` has the node that each round of timing was begun on, by round."""

    @abstractmethod
    def costs(
        self, trials: Sequence[TrainingTrial], context_of: ContextOf, say: Callable[[str], None]
    ) -> list[Cost | TrialError]:
        """Measure the costs of trials, in their order; `say` prints a line when that takes long."""


class ThisProcess(Workplace):
    """Runs one trial after the other in this process. No GPU is used, and memory is not reserved."""

    def __init__(self, resources: Resources) -> None:
        super().__init__(Cluster(resources, [Node(cpus=usable_cpus(), gpus=0, share=1)]))

    @property
    def slots(self) -> int:
        """See `Workplace.slots`."""
        return 1

    def executor(self, context_of: ContextOf, homes: Mapping[int, str]) -> Executor:
        """See `Workplace.executor`."""
        return SerialExecutor(context_of)

    def costs(
        self, trials: Sequence[TrainingTrial], context_of: ContextOf, say: Callable[[str], None]
    ) -> list[Cost | TrialError]:
        """See `Workplace.costs`."""
        return [estimate_here(trial, context_of(trial)) for trial in trials]


class OnRay(Workplace):
    """Runs trials on a Ray cluster, each in a fresh process."""

    def executor(self, context_of: ContextOf, homes: Mapping[int, str]) -> Executor:
        """See `Workplace.executor`."""
        from harness.engine.remote import RayExecutor

        return RayExecutor(context_of, self.cluster, homes)

    def costs(
        self, trials: Sequence[TrainingTrial], context_of: ContextOf, say: Callable[[str], None]
    ) -> list[Cost | TrialError]:
        """See `Workplace.costs`."""
        from harness.engine.measuring import measure_costs

        return measure_costs(trials, context_of, self.cluster, say)


@contextmanager
def workplace(resources: Resources, address: str | None, plugins: Sequence[Path], serial: bool) -> Iterator[Workplace]:
    """Start or connect to the place where a suite's trials run.

    Arguments:
        address: of a Ray cluster; if None that of RAY_ADDRESS, or else an embedded Ray.
        plugins: files to send to the nodes of a cluster.
        serial: run in this process, without Ray.

    Raises:
        UserError: no cluster answers, or Ray can't be started here.
    """
    if serial:
        yield ThisProcess(resources)
        return
    with connected(address, list(plugins)) as nodes:
        yield OnRay(Cluster(resources, nodes))
