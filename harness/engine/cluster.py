"""Start or join a Ray cluster, and see beforehand whether it can serve a suite."""

from __future__ import annotations

import os
import secrets
import socket
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine.sessions import session
from harness.engine.surroundings import loopback_alone, own_signals, ray_environment
from harness.errors import UserError
from harness.plan.trial import Trial
from harness.suite.schema import Resources
from harness.worker.allocator import GLIBC, allocator_settings, unless_set
from harness.worker.processors import usable_cpus, usable_memory

SHARE = "node_share"  # one on every node: a timing trial takes all of it, any other a thousandth
SETTINGS = {
    "RAY_worker_niceness": "0",  # workers run at nice 15 otherwise, and timing suffers
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
ADDRESS = "RAY_ADDRESS"
PATIENCE = 5  # seconds that a cluster may take to answer
STORE_BYTES = 200 * 2**20  # results are small
PARTS_OF_A_GPU = 10_000  # Ray counts in these


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


@contextmanager
def cluster(address: str | None, plugins: list[Path], gpus: int | None = None) -> Iterator[list[Node]]:
    """A running Ray: one inside this process by default, or the one at an address.

    This process's environment and signal handlers are as they were afterwards.

    Arguments:
        address: HOST:PORT, "auto", or "local" for the one inside; that of RAY_ADDRESS if None.
        gpus: how many GPUs the embedded one should offer; found out by Ray if None.

    Raises:
        UserError: no cluster answers at the address, or none can be started here.
    """
    told = f"--address {address}" if address else f"{ADDRESS}={os.environ.get(ADDRESS)}"
    address = address or os.environ.get(ADDRESS) or "local"
    with _embedded(gpus) if address == "local" else _joined(address, told, plugins):
        yield nodes()


@contextmanager
def _embedded(gpus: int | None) -> Iterator[None]:
    """A Ray of this process alone: no other machine reaches it, and nobody without its token."""
    private = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_AUTH_TOKEN_PATH": None,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the name of Ray's switch for the loopback interface
    }

    def failure(error: Exception) -> UserError:
        return UserError(f"Ray can't be started here ({_reason(error)}); --serial runs a suite without it.")

    # workers inherit the allocator; this process itself has started without
    settings = {**SETTINGS, **private, **allocator_settings()}
    with session() as folder, ray_environment(settings), loopback_alone(), _ray(_own(folder, gpus), failure):
        yield


@contextmanager
def _joined(address: str, told: str, plugins: list[Path]) -> Iterator[None]:
    """A cluster that others may use as well."""

    def failure(error: Exception) -> UserError:
        return _unreachable(told, error)

    _check_address(address, told)
    with ray_environment(SETTINGS), _ray(_theirs(address, plugins), failure):
        yield


@contextmanager
def _ray(settings: dict[str, Any], failure: Callable[[Exception], UserError]) -> Iterator[None]:
    """Ray, and nothing of it left running afterwards.

    Raises:
        UserError: `failure` of what went wrong at the start, or this process uses Ray itself.
    """
    import ray
    from ray.exceptions import RayError

    if ray.is_initialized():
        raise UserError("this process is connected to Ray already; call ray.shutdown() first.")
    try:
        try:
            with warnings.catch_warnings(), own_signals():
                warnings.simplefilter("ignore", FutureWarning)
                _check_token(settings["address"])
                ray.init(**settings)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            raise failure(error) from error
        yield
    finally:
        ray.shutdown(wait_for_processes=True)


def _check_address(address: str, told: str) -> None:
    """Knock at HOST:PORT, since Ray itself would go on trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return  # "auto"
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _unreachable(told, error) from None


def _check_token(address: str) -> None:
    """Ask a cluster for its id, since Ray itself would go on trying with a wrong token.

    Raises:
        AuthenticationError: the cluster does not take this process's token.
    """
    import ray
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

    core: Any = ray._raylet
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)  # as Ray does where no mode is set
    if not address.startswith("ray://") and ":" in address:
        core.GcsClient(address=address)


def _reason(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _unreachable(told: str, error: Exception) -> UserError:
    from ray.exceptions import AuthenticationError

    if isinstance(error, AuthenticationError):
        return UserError(
            f"{told}: the cluster there does not take this token; set RAY_AUTH_MODE and RAY_AUTH_TOKEN_PATH here as "
            f"they were when it was started."
        )
    return UserError(f"{told}: no Ray cluster answers there ({_reason(error)}); start one with 'ray start --head'.")


def _own(folder: Path, gpus: int | None) -> dict[str, Any]:
    return {
        "address": "local",
        "num_cpus": usable_cpus(),
        "num_gpus": gpus,
        "resources": {SHARE: 1},
        "object_store_memory": STORE_BYTES,
        "_memory": max(1, usable_memory() - STORE_BYTES),
        "_temp_dir": str(folder / "ray"),  # Ray lets everybody read and write this one
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": "ERROR",
    }


def _theirs(address: str, plugins: list[Path]) -> dict[str, Any]:
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
            "env_vars": unless_set(GLIBC),
        },
    }


def nodes() -> list[Node]:
    """The nodes that are alive."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]
    hosts = Counter(node["NodeManagerHostname"] for node in alive)
    return [_node(node, hosts) for node in alive]


def _node(told: dict[str, Any], hosts: Counter[str]) -> Node:
    offer, host, number = told["Resources"], told["NodeManagerHostname"], told["NodeID"]
    return Node(
        offer.get("CPU", 0),
        offer.get("GPU", 0),
        offer.get(SHARE, 0),
        offer.get("memory", float("inf")),
        id=number,
        name=host if hosts[host] == 1 else number[:8],
    )


def threads_of(trial: Trial, resources: Resources, on_gpu: bool) -> int:
    """The threads that a trial runs with; so many processors are reserved for it."""
    if trial.timing is not None:
        return trial.timing.protocol.threads
    return _training_threads(resources, on_gpu)


def _training_threads(resources: Resources, on_gpu: bool) -> int:
    return 1 if on_gpu else resources.threads


def request_of(trial: Trial, resources: Resources, offers: list[Node]) -> dict[str, Any]:
    """What a trial asks Ray for: its threads, a share of a GPU where there are some, memory; timing asks for a node."""
    if trial.kind == "training":
        return _training_request(resources, offers)
    on_gpu = uses_gpu(resources, offers)
    request = {"num_cpus": threads_of(trial, resources, on_gpu), "resources": {SHARE: 1}}
    return request | ({"num_gpus": 1} if on_gpu else {})


def _training_request(resources: Resources, offers: list[Node]) -> dict[str, Any]:
    on_gpu = uses_gpu(resources, offers)
    request: dict[str, Any] = {"num_cpus": _training_threads(resources, on_gpu), "memory": _memory(resources)}
    if any(node.share for node in offers):  # else no timing can come to these nodes
        request["resources"] = {SHARE: 0.001}
    return request | ({"num_gpus": resources.gpus} if on_gpu else {})


def uses_gpu(resources: Resources, offers: list[Node]) -> bool:
    """Whether trials run on GPUs here."""
    if resources.device == "cpu":
        return False
    return resources.device == "gpu" or any(node.gpus > 0 for node in offers)


def places(node: Node, request: dict[str, Any]) -> int:
    """How many such requests a node serves at a time; none gets its share of a GPU from two."""
    limits = [node.cpus / request["num_cpus"]]
    if request.get("memory"):
        limits.append(node.memory / request["memory"])
    if SHARE in request.get("resources", {}):
        limits.append(node.share / request["resources"][SHARE])
    if request.get("num_gpus"):
        limits.append(int(node.gpus) * (PARTS_OF_A_GPU // max(1, round(request["num_gpus"] * PARTS_OF_A_GPU))))
    return int(min(limits))


def slots(resources: Resources, offers: list[Node]) -> int:
    """How many training trials run at a time."""
    request = _training_request(resources, offers)
    return max(1, sum(places(node, request) for node in offers))


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
        if not any(places(node, request) for node in offers):
            raise UserError(
                f"{where}: no single node has all that '{trial.name}' asks for (processors, memory, GPUs and "
                f"'{SHARE}'); lower 'threads', 'memory_gb' or 'gpus' under resources, or add a node that has it."
            )
