"""What a cluster offers and what trials ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.plan.trial import Trial
from harness.suite.resources import Resources

SHARE = "node_share"  # one on every node: a timing trial takes all of it, any other a thousandth
TRAINING_SHARE = 0.001
PARTS_OF_A_GPU = 10_000  # Ray counts in these

Request = dict[str, Any]  # options of a Ray task


@dataclass(frozen=True)
class Node:
    """What one node offers.

    name: tells it from the others, and stays when Ray is started again: its host's, where that has one node alone.
    """

    cpus: float
    gpus: float
    share: float
    memory: float = float("inf")  # bytes
    id: str = ""
    name: str = ""

    def places(self, request: Request) -> int:
        """How many such requests it serves at a time; none gets its share of a GPU from two."""
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
    """The nodes that a suite runs on, with what the suite asks of them."""

    resources: Resources
    nodes: Sequence[Node]

    @property
    def uses_gpu(self) -> bool:
        """Whether trials run on GPUs here."""
        if self.resources.device == "cpu":
            return False
        return self.resources.device == "gpu" or any(node.gpus > 0 for node in self.nodes)

    @property
    def slots(self) -> int:
        """How many training trials run at a time."""
        request = self._training_request()
        return max(1, sum(node.places(request) for node in self.nodes))

    def threads(self, trial: Trial) -> int:
        """The threads that a trial runs with; so many processors are reserved for it."""
        return trial.work.protocol.threads if trial.kind == "timing" else self._training_threads

    @property
    def _training_threads(self) -> int:
        return 1 if self.uses_gpu else self.resources.threads

    def request(self, trial: Trial) -> Request:
        """The options of a trial's Ray task: threads, a share of a GPU if there are any, memory, or a whole node."""
        if trial.kind == "training":
            return self._training_request()
        request: Request = {"num_cpus": self.threads(trial), "resources": {SHARE: 1}}
        return request | ({"num_gpus": 1} if self.uses_gpu else {})

    def _training_request(self) -> Request:
        memory = int(self.resources.memory_gb * 2**30)  # bytes
        request: Request = {"num_cpus": self._training_threads, "memory": memory}
        if any(node.share for node in self.nodes):  # otherwise no timing can come to these nodes
            request["resources"] = {SHARE: TRAINING_SHARE}
        return request | ({"num_gpus": self.resources.gpus} if self.uses_gpu else {})

    def check(self, trials: Iterable[Trial], where: str) -> None:
        """Reject trials that no node can ever run; Ray would wait forever.

        Arguments:
            where: the suite's file, for the message.

        Raises:
            UserError: a trial asks for more than any node has.
        """
        for trial in trials:
            reason = self._refusal(trial)
            if reason:
                raise UserError(f"{where}: {reason}.")

    def _refusal(self, trial: Trial) -> str:
        """Why no node can run a trial; empty if one can."""
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
