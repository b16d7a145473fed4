"""The resources of a cluster's nodes, and those that trials request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.plan.trial import Trial
from harness.suite.resources import Resources

SHARE = "node_share"  # a custom resource, 1 on every node: a timing trial takes all of it, a training trial 0.001
TRAINING_SHARE = 0.001
PARTS_OF_A_GPU = 10_000  # Ray's resolution of fractional resources

Request = dict[str, Any]  # options of a Ray task


@dataclass(frozen=True)
class Node:
    """The resources of one node.

    name: unique in the cluster: the host name if the host runs a single node, which survives a restart of Ray; else
        the start of the node id.
    """

    cpus: float
    gpus: float
    share: float
    memory: float = float("inf")  # bytes
    id: str = ""
    name: str = ""

    def places(self, request: Request) -> int:
        """Return how many such requests fit at the same time; a fractional GPU request never spans two GPUs."""
        limits = [self.cpus / request["num_cpus"]]
        if request.get("memory"):
            limits.append(self.memory / request["memory"])
        if SHARE in request.get("resources", {}):
            limits.append(self.share / request["resources"][SHARE])
        if request.get("num_gpus"):
            limits.append(int(self.gpus) * (PARTS_OF_A_GPU // max(1, round(request["num_gpus"] * PARTS_OF_A_GPU))))
        return int(min(limits))


@dataclass(frozen=True)
class Cluster:
    """The nodes that a suite runs on, and the resources that the suite requests."""

    resources: Resources
    nodes: Sequence[Node]

    @property
    def uses_gpu(self) -> bool:
        """Whether trials run on GPUs."""
        if self.resources.device == "cpu":
            return False
        return self.resources.device == "gpu" or any(node.gpus > 0 for node in self.nodes)

    @property
    def slots(self) -> int:
        """Number of training trials that run at the same time."""
        request = self._training_request()
        return max(1, sum(node.places(request) for node in self.nodes))

    def threads(self, trial: Trial) -> int:
        """Return the number of threads of a trial, for which it reserves as many CPUs."""
        return trial.work.protocol.threads if trial.kind == "timing" else self._training_threads

    @property
    def _training_threads(self) -> int:
        return 1 if self.uses_gpu else self.resources.threads

    def request(self, trial: Trial) -> Request:
        """Return the resource options of a trial's Ray task; a timing trial requests a whole node."""
        if trial.kind == "training":
            return self._training_request()
        request: Request = {"num_cpus": self.threads(trial), "resources": {SHARE: 1}}
        return request | ({"num_gpus": 1} if self.uses_gpu else {})

    def _training_request(self) -> Request:
        memory = int(self.resources.memory_gb * 2**30)  # bytes
        request: Request = {"num_cpus": self._training_threads, "memory": memory}
        if any(node.share for node in self.nodes):  # without it no timing trial can run on these nodes anyway
            request["resources"] = {SHARE: TRAINING_SHARE}
        return request | ({"num_gpus": self.resources.gpus} if self.uses_gpu else {})

    def check(self, trials: Iterable[Trial], where: str) -> None:
        """Reject trials that no node can ever schedule; Ray would wait forever.

        Arguments:
            where: the suite's file, for the error message.

        Raises:
            UserError: a trial requests more than any node has.
        """
        for trial in trials:
            reason = self._refusal(trial)
            if reason:
                raise UserError(f"{where}: {reason}.")

    def _refusal(self, trial: Trial) -> str:
        """Return why no node can run a trial; empty if one can."""
        request = self.request(trial)
        gpus = request.get("num_gpus", 0)
        if gpus and not any(node.gpus >= gpus for node in self.nodes):
            return (
                "resources.device is 'gpu', but no node has a GPU; write 'auto' or 'cpu', or name a cluster that has "
                "some with --address"
            )
        if not any(node.cpus >= request["num_cpus"] and node.gpus >= gpus for node in self.nodes):
            most = max((int(node.cpus) for node in self.nodes), default=0)
            return (
                f"'{trial.name}' asks for {request['num_cpus']} threads, but the largest node has {most}; lower "
                f"'threads'"
            )
        if not any(node.memory >= request.get("memory", 0) for node in self.nodes):
            most_memory = max((node.memory for node in self.nodes), default=0) / 2**30
            return (
                f"resources.memory_gb is {self.resources.memory_gb:g}, but the node with most memory offers "
                f"{most_memory:.1f}; lower it"
            )
        if trial.kind == "timing" and not any(node.share >= 1 for node in self.nodes):
            return (
                f"timing needs a node to itself, and no node offers the resource '{SHARE}'; start nodes with: "
                f"ray start --resources '{{\"{SHARE}\": 1}}'"
            )
        if not any(node.places(request) for node in self.nodes):
            return (
                f"no single node has all that '{trial.name}' asks for (processors, memory, GPUs and '{SHARE}'); lower "
                f"'threads', 'memory_gb' or 'gpus' under resources, or add a node that has it"
            )
        return ""
