"""Start or join a Ray cluster, and see beforehand whether it can serve a suite."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.running.allocator import GLIBC, allocator_settings
from harness.suite import Resources
from harness.trial import Trial

SHARE = "node_share"  # one on every node: a timing trial takes all of it, any other a thousandth
SETTINGS = {
    "RAY_worker_niceness": "0",  # workers run at nice 15 otherwise, and timing suffers
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
PATIENCE = 5  # seconds that a cluster may take to answer
STORE_BYTES = 200 * 2**20  # results are small


@dataclass(frozen=True)
class Node:
    """What one node offers."""

    cpus: float
    gpus: float
    share: float
    memory: float = float("inf")  # bytes


@contextmanager
def cluster(address: str | None, plugins: list[Path], gpus: int | None = None) -> Iterator[list[Node]]:
    """A running Ray: one inside this process by default, or the one at an address.

    Arguments:
        gpus: how many GPUs the embedded one should offer; found out by Ray if None.

    Raises:
        UserError: no cluster answers at the address.
    """
    os.environ.update(SETTINGS)
    if address is None:
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
        os.environ.update(allocator_settings())  # workers inherit it; this process itself has started without
    else:
        _check_address(address)
    import ray

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            ray.init(**(_embedded(gpus) if address is None else _joined(address, plugins)))
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        if address is None:
            raise
        raise _unreachable(address, error) from error
    try:
        yield nodes()
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Knock at HOST:PORT, since Ray itself would go on trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return  # "auto"
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _unreachable(address, error) from None


def _unreachable(address: str, error: Exception) -> UserError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return UserError(
        f"--address {address}: no Ray cluster answers there ({reason}); start one with 'ray start --head'."
    )


def _embedded(gpus: int | None) -> dict[str, Any]:
    return {
        "address": "local",
        "num_cpus": os.cpu_count(),
        "num_gpus": gpus,
        "resources": {SHARE: 1},
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": "ERROR",
    }


def _joined(address: str, plugins: list[Path]) -> dict[str, Any]:
    """A remote cluster gets our code and the user's plugins, which its nodes may not have."""
    import harness
    import variants

    code = [str(Path(package.__path__[0]).resolve()) for package in (harness, variants)]
    return {
        "address": address,
        "log_to_driver": False,
        "logging_level": "ERROR",
        "runtime_env": {
            "py_modules": code + [str(path.resolve()) for path in plugins],
            "env_vars": GLIBC,
        },
    }


def nodes() -> list[Node]:
    """The nodes that are alive."""
    import ray

    offers = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [
        Node(offer.get("CPU", 0), offer.get("GPU", 0), offer.get(SHARE, 0), offer.get("memory", float("inf")))
        for offer in offers
    ]


def request_of(trial: Trial, resources: Resources, offers: list[Node]) -> dict[str, Any]:
    """What a trial asks Ray for: memory, GPUs where there are some, its threads where not; timing asks for a node."""
    threads = trial.timing.protocol.threads if trial.timing is not None else resources.threads
    share = 1 if trial.kind == "timing" else 0.001
    request: dict[str, Any] = {"num_cpus": threads, "resources": {SHARE: share}}
    if trial.kind == "training":
        request["memory"] = _memory(resources)
    if uses_gpu(resources, offers):
        request["num_gpus"] = 1 if trial.kind == "timing" else resources.gpus
        request["num_cpus"] = 1
    return request


def uses_gpu(resources: Resources, offers: list[Node]) -> bool:
    """Whether trials run on GPUs here."""
    if resources.device == "cpu":
        return False
    return resources.device == "gpu" or any(node.gpus > 0 for node in offers)


def slots(resources: Resources, offers: list[Node]) -> int:
    """How many training trials run at a time."""
    on_gpus, memory = uses_gpu(resources, offers), max(1, _memory(resources))
    shares = [node.gpus / resources.gpus if on_gpus else node.cpus / resources.threads for node in offers]
    return max(1, sum(int(min(share, node.memory / memory)) for share, node in zip(shares, offers, strict=True)))


def _memory(resources: Resources) -> int:
    return int(resources.memory_gb * 2**30)  # bytes


def check_requests(trials: list[Trial], resources: Resources, offers: list[Node], where: str) -> None:
    """Refuse what no node can ever serve: Ray would wait for it for ever.

    Raises:
        UserError: a trial asks for more than any node has.
    """
    for trial in trials:
        request = request_of(trial, resources, offers)
        wanted_gpus = request.get("num_gpus", 0)
        if wanted_gpus and not any(node.gpus >= wanted_gpus for node in offers):
            raise UserError(
                f"{where}: resources.device is 'gpu', but no node has a GPU; write 'auto' or 'cpu', or name a "
                f"cluster that has some with --address."
            )
        if not any(node.cpus >= request["num_cpus"] and node.gpus >= wanted_gpus for node in offers):
            most = max((int(node.cpus) for node in offers), default=0)
            raise UserError(
                f"{where}: '{trial.name}' asks for {request['num_cpus']} threads, but the largest node has "
                f"{most}; lower 'threads'."
            )
        if not any(node.memory >= request.get("memory", 0) for node in offers):
            most_memory = max((node.memory for node in offers), default=0) / 2**30
            raise UserError(
                f"{where}: resources.memory_gb is {resources.memory_gb:g}, but the node with most memory offers "
                f"{most_memory:.1f}; lower it."
            )
        if trial.kind == "timing" and not any(node.share >= 1 for node in offers):
            raise UserError(
                f"{where}: timing needs a node to itself, and no node offers the resource '{SHARE}'; start nodes "
                f"with: ray start --resources '{{\"{SHARE}\": 1}}'."
            )
