"""Several nodes on one machine, each with processes of its own, as `ray start` makes them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.engine import driver
from harness.engine.cluster import SHARE, Cluster, Node
from harness.engine.connect import connected
from harness.engine.driver import Driver
from harness.engine.events import Event, Finished, Progressed
from harness.engine.listener import Listener
from harness.plan.trial import Trial
from harness.suite.resources import Resources
from harness.worker.context import WorkerContext
from harness.worker.result import Result
from tests.harness.engine.heard import heard

pytestmark = pytest.mark.slow
TEMPLATE = "harness.worker.forkserver"
RESOURCES = Resources(threads=1, memory_gb=0.05)
MakeTrials = Callable[..., list[Trial]]


class Nodes:
    """A Ray cluster: a head without processors, and nodes of one processor that come and go."""

    def __init__(self) -> None:
        os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
        from ray.cluster_utils import Cluster as RayCluster

        self.cluster: Any = RayCluster(initialize_head=True, head_node_args={"num_cpus": 0})

    def add(self) -> Any:
        """A node that timing may have to itself."""
        return self.cluster.add_node(num_cpus=1, resources={SHARE: 1})

    def kill_a_busy_one(self) -> None:
        """A node that a trial runs on dies."""
        busy = [node for node in self.cluster.list_all_nodes() if _trial_processes(node)]
        self.cluster.remove_node(busy[0], allow_graceful=False)


def _trial_processes(node: Any) -> list[psutil.Process]:
    """The processes that a template was forked to on a node."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    found = []
    for process in raylet.children(recursive=True):
        parent = process.parent()
        if parent is not None and TEMPLATE in " ".join(process.cmdline()) and TEMPLATE in " ".join(parent.cmdline()):
            found.append(process)
    return found


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    made = Nodes()
    yield made
    made.cluster.shutdown()


@pytest.fixture
def joined(nodes: Nodes, tiny: Path) -> Iterator[list[Node]]:
    """The cluster with two nodes, joined by this process."""
    nodes.add(), nodes.add()
    with connected(nodes.cluster.address, [tiny]) as offers:
        yield offers


@pytest.fixture
def executor(tiny: Path, tmp_path: Path) -> Callable[[list[Node]], Any]:
    from harness.engine.remote import RayExecutor

    context = WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1, plugins=(tiny,))
    return lambda offers: RayExecutor(lambda trial: context, Cluster(RESOURCES, offers))


def training(trials: MakeTrials, count: int, **config: Any) -> list[Trial]:
    seeds = f"seeds: {list(range(count))}"
    return [trial for trial in trials(("seeds: [0]", seeds), **config) if trial.kind == "training"]


def ends(executor: Any, patience: float = 120) -> dict[str, Event]:
    """How each trial ended, by key."""
    found: dict[str, Event] = {}
    limit = time.monotonic() + patience
    while executor.running and time.monotonic() < limit:
        found |= {event.trial.key: event for event in heard(executor) if not isinstance(event, Progressed)}
    return found


def results(executor: Any) -> list[Result]:
    found = ends(executor).values()
    assert all(isinstance(event, Finished) for event in found), found
    return [event.result for event in found if isinstance(event, Finished)]


def overlap(one: Result, other: Result) -> bool:
    assert one.timestamps is not None
    assert other.timestamps is not None
    return one.timestamps.began < other.timestamps.ended and other.timestamps.began < one.timestamps.ended


def test_training_spreads_and_timing_has_a_node_to_itself(
    joined: list[Node], executor: Callable[..., Any], trials: MakeTrials
) -> None:
    runner = executor(joined)
    alone, beside = training(trials, 4, pause=0.05)[:2], training(trials, 4, pause=0.05)[2:]
    for trial in alone:
        runner.submit(trial, 1)
    spread = results(runner)
    assert len({result.machine["node"] for result in spread}) == 2
    row = "{variant: tiny, config: {'pause': 0.02}}"
    changes = ("rounds: 2", "rounds: 4"), (f"rows: [{row}]", f"rows: [{row}, {{variant: tiny}}]")
    for trial in [*beside, *trials(*changes, pause=0.02)]:
        runner.submit(trial, 1)
    ended = ends(runner)
    of_blocks: dict[int, set[str]] = {}
    for event in ended.values():
        assert isinstance(event, Finished), event
        if event.trial.kind == "timing":
            of_blocks.setdefault(event.trial.round, set()).add(event.result.machine["node"])
    assert [len(nodes) for nodes in of_blocks.values()] == [1, 1, 1, 1]
    found = [event.result for event in ended.values() if isinstance(event, Finished)]
    found += spread
    assert len(found) == 13
    timed = [result for result in found if result.samples]
    assert len(timed) == 8
    for one, other in combinations(found, 2):
        if one.machine["node"] == other.machine["node"] and (one.samples or other.samples):
            assert not overlap(one, other)


def test_a_node_that_joins_late_is_used(
    nodes: Nodes, executor: Callable[..., Any], tiny: Path, trials: MakeTrials
) -> None:
    nodes.add()
    with connected(nodes.cluster.address, [tiny]) as offers:
        runner = executor(offers)
        for trial in training(trials, 8, pause=0.1):
            runner.submit(trial, 1)
        nodes.add()
        assert len({result.machine["node"] for result in results(runner)}) == 2


class Noted(Listener):
    """Notes how trials end."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self.causes: list[str] = []

    def finished(self, trial: Trial, result: Result) -> str:
        self.results[trial.key] = result
        return ""

    def failed(self, trial: Trial, cause: str, details: str) -> None:
        self.causes.append(cause)


@dataclass
class Watched(Driver):
    """A driver that has a node killed when a trial has come some way, and notes when it was heard of again."""

    kill: Callable[[], None] = lambda: None
    times: dict[str, float] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    resumed: list[int] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        super().handle(event)
        if not isinstance(event, Progressed):
            return
        progress = event.progress
        self.reached[event.trial.key] = progress.iteration
        have_checkpoints = len(self.reached) == 2 and min(self.reached.values()) > 8
        if have_checkpoints and "died" not in self.times:
            self.kill()
            self.times["died"] = time.monotonic()
        if progress.begun_at:
            self.times.setdefault("back", time.monotonic())
            self.resumed.append(progress.begun_at)


def test_trials_of_a_node_that_dies_go_on_elsewhere_from_their_checkpoints(
    nodes: Nodes,
    executor: Callable[..., Any],
    tiny: Path,
    trials: MakeTrials,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(driver, "BACKOFF_SECONDS", 0.1)
    for _ in range(3):
        nodes.add()
    with connected(nodes.cluster.address, [tiny]) as offers:
        noted = Noted()
        made = Watched([noted], print, kill=nodes.kill_a_busy_one)
        made.run(training(trials, 2, pause=0.25), executor(offers))  # 6 iterations an epoch, 4 epochs
        disturbed = noted.results
        undisturbed = results_of(executor(offers), training(trials, 2, pause=0.01))
    assert noted.causes == []
    assert made.resumed
    assert all(iteration % 6 == 0 for iteration in made.resumed)
    # the pause is in the keys but not in the weights
    assert sorted(each.weights for each in disturbed.values()) == sorted(each.weights for each in undisturbed)
    times = made.times
    with capsys.disabled():
        print(f"\ntraining again {times['back'] - times['died']:.1f} s after a node's death")


def results_of(runner: Any, wanted: list[Trial]) -> list[Result]:
    for trial in wanted:
        runner.submit(trial, 1)
    return results(runner)
