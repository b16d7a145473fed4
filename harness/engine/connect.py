"""Start an embedded Ray, or connect to a cluster."""

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

RAY_SETTINGS = {
    "RAY_worker_niceness": "0",  # workers run at nice 15 otherwise, and timing suffers
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
ADDRESS_VARIABLE = "RAY_ADDRESS"
CONNECT_TIMEOUT_SECONDS = 5
STORE_BYTES = 200 * 2**20  # results are small


@contextmanager
def connected(address: str | None, plugins: list[Path], gpus: int | None = None) -> Iterator[list[Node]]:
    """Connect to Ray: one embedded in this process by default, or the cluster at an address.

    The environment and the signal handlers of this process are restored on exit.

    Arguments:
        address: HOST:PORT, "auto", or "local" for the embedded Ray; RAY_ADDRESS if None.
        plugins: files to send to the nodes of a cluster.
        gpus: the GPUs of an embedded Ray; detected by Ray if None.

    Yields:
        The nodes that are alive.

    Raises:
        UserError: no cluster answers at the address, or Ray can't be started here.
    """
    source = f"--address {address}" if address else f"{ADDRESS_VARIABLE}={os.environ.get(ADDRESS_VARIABLE)}"
    address = address or os.environ.get(ADDRESS_VARIABLE) or "local"
    with _embedded(gpus) if address == "local" else _joined(address, source, plugins):
        yield nodes()


@contextmanager
def _embedded(gpus: int | None) -> Iterator[None]:
    """Start a Ray that listens on the loopback interface and needs a random token."""
    private = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_AUTH_TOKEN_PATH": None,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # makes Ray listen on the loopback interface, on Linux too
    }

    def failure(error: Exception) -> UserError:
        return UserError(f"Ray can't be started here ({_reason(error)}); --serial runs a suite without it.")

    # workers inherit the allocator from the environment; in this process it has no effect any more
    settings = {**RAY_SETTINGS, **private, **allocator_settings()}
    with (
        session() as folder,
        ray_environment(settings),
        loopback_alone(),
        _ray(_local_options(folder, gpus), failure),
    ):
        yield


@contextmanager
def _joined(address: str, source: str, plugins: list[Path]) -> Iterator[None]:
    """Connect to a cluster, which others may use as well."""

    def failure(error: Exception) -> UserError:
        return _unreachable(source, error)

    _check_address(address, source)
    with ray_environment(RAY_SETTINGS), _ray(_cluster_options(address, plugins), failure):
        yield


@contextmanager
def _ray(settings: dict[str, Any], failure: Callable[[Exception], UserError]) -> Iterator[None]:
    """Initialize Ray, and shut it down on exit.

    Raises:
        UserError: made by `failure` from what `ray.init` raised; or this process is connected to Ray already.
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


def _check_address(address: str, source: str) -> None:
    """Try to connect to HOST:PORT, since Ray itself would keep trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return  # as in "auto"
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _unreachable(source, error) from None


def _check_token(address: str) -> None:
    """Authenticate once, since Ray itself would keep trying with a wrong token.

    Raises:
        AuthenticationError: the cluster rejects this process's token.
    """
    import ray
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

    core: Any = ray._raylet
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)  # as Ray does where no mode is set
    if not address.startswith("ray://") and ":" in address:
        core.GcsClient(address=address)


def _reason(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _unreachable(source: str, error: Exception) -> UserError:
    from ray.exceptions import AuthenticationError

    if isinstance(error, AuthenticationError):
        return UserError(
            f"{source}: the cluster there rejects this token; set RAY_AUTH_MODE and RAY_AUTH_TOKEN_PATH here as "
            f"they were when it was started."
        )
    return UserError(f"{source}: no Ray cluster answers there ({_reason(error)}); start one with 'ray start --head'.")


def _local_options(folder: Path, gpus: int | None) -> dict[str, Any]:
    return {
        "address": "local",
        "num_cpus": usable_cpus(),
        "num_gpus": gpus,
        "resources": {SHARE: 1},
        "object_store_memory": STORE_BYTES,
        "_memory": max(1, usable_memory() - STORE_BYTES),
        "_temp_dir": str(folder / "ray"),  # Ray makes this one readable and writable by everybody
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": "ERROR",
    }


def _cluster_options(address: str, plugins: list[Path]) -> dict[str, Any]:
    """Return the options of `ray.init` for a cluster; its nodes get this code and the plugins by the runtime_env."""
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
    """Return the nodes that are alive."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]
    hosts = Counter(node["NodeManagerHostname"] for node in alive)
    return [_node(node, hosts) for node in alive]


def _node(facts: dict[str, Any], hosts: Counter[str]) -> Node:
    offer, host, number = facts["Resources"], facts["NodeManagerHostname"], facts["NodeID"]
    return Node(
        offer.get("CPU", 0),
        offer.get("GPU", 0),
        offer.get(SHARE, 0),
        offer.get("memory", float("inf")),
        id=number,
        name=host if hosts[host] == 1 else number[:8],
    )
