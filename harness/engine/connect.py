"""Start Ray in this process, or join a cluster."""

from __future__ import annotations

import os
import secrets
import socket
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.engine.cluster import SHARE, Node
from harness.engine.sessions import session
from harness.engine.surroundings import loopback_alone, own_signals, ray_environment
from harness.errors import UserError
from harness.worker.allocator import GLIBC, allocator_settings, unless_set
from harness.worker.processors import usable_cpus, usable_memory

SETTINGS = {
    "RAY_worker_niceness": "0",  # workers run at nice 15 otherwise, and timing suffers
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
ADDRESS = "RAY_ADDRESS"
PATIENCE = 5  # seconds that a cluster may take to answer
STORE_BYTES = 200 * 2**20  # results are small


@contextmanager
def connected(address: str | None, plugins: list[Path], gpus: int | None = None) -> Iterator[list[Node]]:
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
    import variants

    code = [str(folder.resolve()) for folder in (Path(__file__).parents[1], Path(variants.__path__[0]))]
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
