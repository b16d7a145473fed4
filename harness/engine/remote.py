"""Run trials on a Ray cluster, each in a fresh process."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import (
    GetTimeoutError,
    LocalRayletDiedError,
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    TaskCancelledError,
    WorkerCrashedError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from harness.engine.blocks import Blocks
from harness.engine.cluster import Cluster
from harness.engine.connect import nodes
from harness.engine.events import Event, Failed, Finished, Progressed, failure
from harness.errors import UserError, cause_of
from harness.plan.trial import Trial
from harness.worker.context import WorkerContext
from harness.worker.forkserver import ForkServer, TrialError, WorkerDied
from harness.worker.result import Progress, Result
from harness.worker.timing.with_sentinel import run_with_sentinel

POLL_SECONDS = 0.5  # between two reads of the mailbox
TIMING_POLL_SECONDS = 5.0  # while a timing trial runs, since each read wakes another process
LOST = (WorkerCrashedError, NodeDiedError, OutOfMemoryError, TaskCancelledError)


class Mailbox:
    """Actor that holds the latest progress report of each running trial."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], Progress] = {}

    def put(self, key: str, attempt: int, progress: Progress) -> None:
        """Store a progress report."""
        self._last[key, attempt] = progress

    def take(self) -> dict[tuple[str, int], Progress]:
        """Return the reports received since the last call, and forget them."""
        taken, self._last = self._last, {}
        return taken


MAILBOX: Any = ray.remote(num_cpus=0, max_restarts=-1)(Mailbox)


FORK_SERVER = ForkServer()  # one in each Ray worker process


@ray.remote(max_retries=0)  # retries are the driver's
def run_trial(trial: Trial, context: WorkerContext, mailbox: Any) -> Result | TrialError:
    """Run a trial, and the sentinel around a timing trial, each in a fresh process."""
    context = replace(context, gpu=bool(ray.get_gpu_ids()))

    def report(progress: Progress) -> None:
        mailbox.put.remote(trial.key, context.attempt, progress)

    report(Progress(0, 0, stage="starting"))
    outcome = run_with_sentinel(trial, lambda work: FORK_SERVER.run(work, trial, context, report))
    if isinstance(outcome, Result):
        outcome = replace(outcome, machine={**outcome.machine, "node": ray.get_runtime_context().get_node_id()})
    return outcome


class RayExecutor:
    """An executor on the Ray cluster that this process is connected to."""

    def __init__(
        self,
        context_of: Callable[[Trial], WorkerContext],
        cluster: Cluster,
        homes: Mapping[int, str] | None = None,
    ) -> None:
        self._context_of, self._cluster = context_of, cluster
        self._blocks = Blocks(homes or {})
        self._mailbox: Any = MAILBOX.options(scheduling_strategy=_driver_node()).remote()
        self._tasks: dict[Any, tuple[Trial, int]] = {}
        self._names = {node.id: node.name for node in cluster.nodes}

    @property
    def running(self) -> int:
        """See `Executor.running`."""
        return len(self._tasks)

    def choose(self, waiting: Sequence[Trial]) -> Trial | None:
        """See `Executor.choose`. Training queues in Ray; a timing trial waits here until its block's node is free."""
        first = waiting[0]
        if first.kind == "training":
            return first
        timed = [trial for trial in waiting if trial.kind == "timing"]
        running = [trial for trial, _ in self._tasks.values() if trial.kind == "timing"]
        return self._blocks.choose(timed, running, self._able(first))

    def submit(self, trial: Trial, attempt: int) -> None:
        """See `Executor.submit`."""
        context = replace(self._context_of(trial), attempt=attempt)
        options = self._cluster.request(trial) | self._pinned(trial)
        task = run_trial.options(**options, name=trial.name).remote(trial, context, self._mailbox)
        self._tasks[task] = (trial, attempt)

    def _pinned(self, trial: Trial) -> dict[str, Any]:
        """Return the option that pins a timing trial to its block's node; empty while no node can run it, so that Ray
        waits for one."""
        if trial.kind == "training":
            return {}
        able = self._able(trial)
        name = self._blocks.node(trial.round, able)
        return {"scheduling_strategy": NodeAffinitySchedulingStrategy(able[name], soft=False)} if name else {}

    def _able(self, trial: Trial) -> dict[str, str]:
        """Return the ids of the nodes that are alive and can run a trial, by name; nodes join and die."""
        request, alive = self._cluster.request(trial), nodes()
        self._names |= {node.id: node.name for node in alive}
        return {node.name: node.id for node in alive if node.places(request)}

    def cancel(self, trial: Trial) -> None:
        """See `Executor.cancel`."""
        for task, (other, _) in self._tasks.items():
            if other.key == trial.key:
                ray.cancel(task, force=True)

    def wait(self, tell: Callable[[Event], None]) -> None:
        """See `Executor.wait`."""
        is_timing = any(trial.kind == "timing" for trial, _ in self._tasks.values())
        timeout = TIMING_POLL_SECONDS if is_timing else POLL_SECONDS
        ended, _ = ray.wait(list(self._tasks), num_returns=1, timeout=timeout)
        for event in self._mail():
            tell(event)
        for task in ended:
            tell(self._outcome(task))

    def _mail(self) -> list[Event]:
        current = {(trial.key, attempt): trial for trial, attempt in self._tasks.values()}
        try:
            mail = ray.get(self._mailbox.take.remote(), timeout=10)
        except (GetTimeoutError, RayError):
            return []
        return [Progressed(current[which], said) for which, said in mail.items() if which in current]

    def _outcome(self, task: Any) -> Event:
        trial, _ = self._tasks.pop(task)
        try:
            outcome = ray.get(task)
        except LocalRayletDiedError:
            raise local_raylet_died() from None
        except LOST as error:
            return Failed(trial, _lost(error), traceback.format_exc(), is_lost=True)
        except RayTaskError as error:
            cause = error.cause if error.cause is not None else error
            is_lost = isinstance(cause, WorkerDied)
            return Failed(trial, str(cause) if is_lost else cause_of(cause), str(error), is_lost)
        except RayError as error:
            return Failed(trial, cause_of(error), traceback.format_exc(), is_lost=True)
        if isinstance(outcome, TrialError):
            return failure(trial, outcome)
        return Finished(trial, self._named(outcome))

    def _named(self, result: Result) -> Result:
        """Return a result with its node's name in place of the node id."""
        number = result.machine["node"]
        return replace(result, machine={**result.machine, "node": self._names.get(number, number[:8])})


def _driver_node() -> NodeAffinitySchedulingStrategy:
    """Return the strategy that pins an actor to the driver's node, whose death ends the run anyway."""
    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def local_raylet_died() -> UserError:
    """The error that ends a run when the raylet of the driver's node has died."""
    return UserError("Ray's raylet on this machine has died; give the same command again: it resumes where it stopped.")


def _lost(error: Exception) -> str:
    names = {
        WorkerCrashedError: "its worker was killed",
        NodeDiedError: "its node died",
        OutOfMemoryError: "its worker ran out of memory",
        TaskCancelledError: "it was stopped",
    }
    return next((text for kind, text in names.items() if isinstance(error, kind)), type(error).__name__)
