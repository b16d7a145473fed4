"""Ray that is started here or joined, and trials on a real one with logical GPUs."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.engine import sessions
from harness.engine.cluster import Cluster, Node
from harness.engine.connect import connected
from harness.engine.events import Event, Executor, Failed, Finished, Progressed
from harness.errors import UserError
from harness.plan.trial import Trial
from harness.suite.resources import Resources
from harness.worker.context import WorkerContext
from harness.worker.numbers import TrainingNumbers
from tests.harness.engine.heard import heard

MakeTrial = Callable[..., Trial]
ExecutorWith = Callable[..., Executor]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:port", "127.0.0.1:99999", "auto"])
def test_no_cluster_at_an_address(address: str) -> None:
    if address == "auto" and any(process.name() == "gcs_server" for process in psutil.process_iter()):
        pytest.skip("a Ray cluster of somebody else runs on this machine, and auto finds it")
    started = time.monotonic()
    with pytest.raises(UserError) as caught, connected(address, []):
        pass
    assert str(caught.value).startswith(f"--address {address}: no Ray cluster answers there (")
    assert len(str(caught.value).splitlines()) == 1
    assert time.monotonic() - started < 20


def test_an_address_of_the_environment_is_used_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with (
        pytest.raises(UserError, match=r"^RAY_ADDRESS=127\.0\.0\.1:1: no Ray cluster answers there"),
        connected(None, []),
    ):
        pass
    with pytest.raises(UserError, match=r"^--address 127\.0\.0\.1:2: no Ray"), connected("127.0.0.1:2", []):
        pass


def test_a_ray_that_does_not_start_is_one_sentence_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def failing(**settings: object) -> None:
        assert Path(str(settings["_temp_dir"])).parent.stat().st_mode & 0o077 == 0
        raise RuntimeError("no more processes\n  (details)")

    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setattr(ray, "init", failing)
    monkeypatch.setattr(sessions, "PREFIX", "failing-")
    before = dict(os.environ)
    with pytest.raises(UserError, match=r"^Ray can't be started here \(no more processes\)"), connected(None, []):
        pass
    assert dict(os.environ) == before
    assert list(Path("/tmp").glob("failing-*")) == []


def test_a_ray_of_the_users_in_this_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    calls: list[str] = []
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "init", lambda **_: calls.append("init"))
    monkeypatch.setattr(ray, "shutdown", lambda **_: calls.append("shutdown"))
    with pytest.raises(UserError, match=r"call ray\.shutdown\(\) first"), connected(None, []):
        pass
    assert calls == []


@pytest.fixture(scope="module")
def two_gpus(tiny: Path) -> Iterator[list[Node]]:
    """An embedded Ray with two GPUs, which exist in its books alone; it leaves this process as it was."""

    def surroundings() -> list[object]:
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        return [environment, signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)]

    before = surroundings()
    with connected(None, [tiny], gpus=2) as offers:
        assert surroundings()[1:] == before[1:]
        yield offers
    assert surroundings() == before


@pytest.fixture
def executor_with(two_gpus: list[Node], tiny: Path, tmp_path: Path) -> ExecutorWith:
    """An executor on that Ray, for resources of a suite."""
    from harness.engine.remote import RayExecutor

    context = WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1, plugins=(tiny,))
    return lambda **resources: RayExecutor(lambda trial: context, Cluster(Resources(**resources), two_gpus))


@pytest.mark.slow
def test_trials_on_a_real_cluster(
    two_gpus: list[Node],
    executor_with: ExecutorWith,
    tmp_path: Path,
    training_trial: MakeTrial,
    timing_trial: MakeTrial,
) -> None:
    """Two share a GPU each, one is timed alone, one raises, and one loses its worker and is run again."""
    assert (two_gpus[0].gpus, two_gpus[0].share) == (2, 1)
    witness = tmp_path / "witness"
    witness.mkdir()
    executor = executor_with(gpus=0.5, memory_gb=0.1)
    seeds = [training_trial(("seeds: [0]", f"seeds: [{seed}]"), witness=str(witness)) for seed in (0, 1)]
    bad = training_trial(fails=True)
    dying = training_trial(killed_once=str(tmp_path / "killed"))
    timed = timing_trial(witness=str(witness))
    for trial in (*seeds, bad, dying, timed):
        executor.submit(trial, 1)
    ended = drain(executor)

    for trial in (*seeds, timed):
        assert isinstance(ended[trial.key], Finished), ended[trial.key]
    seen = {path.name: path.read_text() for path in witness.iterdir()}
    assert len(seen) == 3  # a fresh process each
    assert str(os.getpid()) not in seen
    assert set(seen.values()) <= {"0", "1"}  # one GPU each, of those two

    failed = ended[bad.key]
    assert isinstance(failed, Failed)
    assert (failed.cause, failed.is_lost) == ("ValueError: told to fail [here]", False)
    assert "tiny.py" in failed.details

    lost = ended[dying.key]
    assert isinstance(lost, Failed)
    assert (lost.cause, lost.is_lost) == ("its process has left with exit code 1", True)
    executor.submit(dying, 2)
    again = drain(executor)[dying.key]
    assert isinstance(again, Finished)
    assert isinstance(again.result.numbers, TrainingNumbers)
    assert again.result.numbers.tests["tiny-digits"].error_percent < 75


@pytest.mark.slow
def test_a_running_trial_is_cancelled_by_force(executor_with: ExecutorWith, training_trial: MakeTrial) -> None:
    executor = executor_with(memory_gb=0.1)
    endless = training_trial(pause=10.0)
    executor.submit(endless, 1)
    events: list[Event] = []
    while not any(isinstance(event, Progressed) and event.progress.iterations for event in events):
        events += heard(executor)  # until it trains
    executor.cancel(endless)
    stopped = drain(executor)[endless.key]
    assert isinstance(stopped, Failed)
    assert stopped.is_lost


STRANGER = """
import sys
from ray._raylet import GcsClient
try:
    print(GcsClient(address=sys.argv[1]).internal_kv_keys(b"", None))
except Exception as error:
    print(type(error).__name__)
"""  # the first step of ray.init, which would go on trying


@pytest.mark.slow
def test_nothing_of_an_embedded_cluster_can_be_reached_from_elsewhere_or_without_its_token(
    executor_with: ExecutorWith, training_trial: MakeTrial
) -> None:
    import ray

    executor = executor_with(memory_gb=0.1)
    endless = training_trial(pause=10.0)
    executor.submit(endless, 1)
    while not any(isinstance(event, Progressed) and event.progress.iterations for event in heard(executor)):
        pass  # until it trains
    me = psutil.Process()
    processes = [me, *me.children(recursive=True)]
    names = " ".join(" ".join(process.cmdline()) for process in processes)
    assert all(part in names for part in ("gcs_server", "raylet", "ray::", "harness.worker.forkserver"))
    listening = [
        (process.name(), each.laddr.ip)
        for process in processes
        for each in process.net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 4
    assert all(ipaddress.ip_address(ip.removeprefix("::ffff:")).is_loopback for _, ip in listening), listening

    command = [sys.executable, "-c", STRANGER, ray.get_runtime_context().gcs_address]
    for mode, token, expected in (
        ("token", "0" * 64, "AuthenticationError\n"),
        ("disabled", "", "AuthenticationError\n"),
        ("token", os.environ["RAY_AUTH_TOKEN"], "["),  # ours
    ):
        environment = {**os.environ, "RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": token}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert done.stdout.startswith(expected), done.stdout + done.stderr
    executor.cancel(endless)
    drain(executor)


@pytest.mark.slow
def test_a_cluster_by_its_address_gets_our_code_and_the_plugins(tmp_path: Path) -> None:
    """In a process of its own, as one process knows one cluster; the plugin's file is gone before the trial runs."""
    plugin = tmp_path / "tiny.py"
    shutil.copy(Path(__file__).parents[1] / "tiny.py", plugin)
    command = [sys.executable, str(Path(__file__).parent / "joining.py"), str(tmp_path), str(plugin)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert done.stdout.splitlines()[-2:] == ["Finished timing", "Finished training"], done.stdout + done.stderr


def drain(executor: Executor) -> dict[str, Event]:
    """How each trial ended, by key."""
    ended: dict[str, Event] = {}
    limit = time.monotonic() + 120
    while executor.running and time.monotonic() < limit:
        ended |= {event.trial.key: event for event in heard(executor) if not isinstance(event, Progressed)}
    return ended
