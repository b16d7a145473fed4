"""Kill processes, workers, drivers and nodes at random under a real suite: it ends as if nothing had happened.

python -m pytest -m torture --kills 30 --torture-seed 7
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.torture.kept import statuses, trained

pytestmark = pytest.mark.torture
ROOT = Path(__file__).parents[2]
SUITE = """
name: torture
plugins: [CHANCY]
attempts: 10
resources: {threads: 1, memory_gb: 0.1}
protocols:
  short: {batch_size: 20, epochs: 4, learning_rate: 0.001, shift: 2, schedule: {factor: 0.9, every: 30}}
errors:
  tasks: [mnist]
  seeds: [0, 1]
  train_images: 800
  test_images: 200
  rows:
    - {variant: cnn, config: {width: 16, convolution: auto}, protocol: short}
    - {variant: capsnet, config: {width: 16, convolution: auto}, protocol: short}
    - {variant: chancy, protocol: short}
    - {variant: lcapsnet, config: {k: 30, kernel: 15, width: 16, convolution: fast}, protocol: short}
times:
  task: mnist
  batch_size: 20
  rounds: 1
  warmup: 2
  window: 2
  longest_warmup: 4
  iterations: 4
  threads: 1
  sentinel: 1
  rows: [{variant: lcapsnet, config: {k: 30, kernel: 15, width: 16, convolution: fast}}]
"""
FORK_SERVER = "harness.worker.forkserver"
PATIENCE = 300  # seconds in which a suite has to end once nothing is killed any more


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where nodes are started: a folder with another `harness`, which leaves a mark where it is used."""
    folder = tmp_path_factory.mktemp("checkout")
    for package in ("harness", "variants"):
        (folder / package).mkdir()
        mark = f"from pathlib import Path; Path({str(folder / 'used')!r}).touch()\n"
        (folder / package / "__init__.py").write_text(mark)
    return folder


@pytest.fixture(scope="module")
def cluster(elsewhere: Path) -> Iterator[Any]:
    """A head without processors, and two nodes of one each, all with another checkout as their working directory."""
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    from ray.cluster_utils import Cluster

    with chdir(elsewhere):
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        add_node(made, elsewhere)
    yield made
    made.shutdown()


def add_node(cluster: Any, folder: Path) -> None:
    with chdir(folder):
        cluster.add_node(num_cpus=1, resources={"node_share": 1})


@dataclass
class Torture:
    """A run of the suite, and what is done to it."""

    cluster: Any
    elsewhere: Path
    suite: Path
    results: Path
    data: Path
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    driver: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """The command that a user gives, the same each time."""
        command = [sys.executable, "-m", "harness", "run", str(self.suite), "--address", self.cluster.address]
        command += ["--results", str(self.results), "--data-dir", str(self.data)]
        log = (self.results.parent / f"{self.results.name}.log").open("a")
        self.driver = subprocess.Popen(command, stdout=log, stderr=log, text=True, cwd=ROOT)

    @property
    def log(self) -> str:
        return (self.results.parent / f"{self.results.name}.log").read_text()

    def is_over(self) -> bool:
        """Whether the suite has come to its end; an end of any other kind is a failure."""
        assert self.driver is not None
        code = self.driver.poll()
        assert code in (None, 0), f"exit code {code}\n{self.log[-5000:]}"
        return code == 0

    def finish(self) -> None:
        """Let it come to its end."""
        limit = time.monotonic() + PATIENCE
        while not self.is_over():
            assert time.monotonic() < limit, self.log[-5000:]
            time.sleep(0.2)

    def kill_something(self) -> None:
        """One kill, of the kind that there were fewest of if it finds a victim."""
        kinds = [self.trial, self.in_checkpoint, self.template, self.worker, self.driving, self.node]
        self.chance.shuffle(kinds)
        for kind in sorted(kinds, key=lambda each: self.kills[each.__name__]):
            if kind():
                self.kills[kind.__name__] += 1
                return

    def trial(self) -> bool:
        """The process of a trial."""
        return self._kill(trial_processes())

    def in_checkpoint(self) -> bool:
        """The processes of trials, at a moment when one writes a checkpoint."""
        limit = time.monotonic() + 3
        while time.monotonic() < limit:
            if next((self.results / "checkpoints").glob("*/*/[0-9]*.tmp"), None) is not None:
                killed = [self._kill([victim]) for victim in trial_processes()]
                return any(killed)
            time.sleep(0.0005)
        return False

    def template(self) -> bool:
        """A template that a trial is forked from."""
        return self._kill([parent for process in trial_processes() if (parent := process.parent()) is not None])

    def worker(self) -> bool:
        """A worker of Ray's."""
        templates = [process.parent() for process in trial_processes()]
        return self._kill([worker for each in templates if each is not None and (worker := each.parent()) is not None])

    def driving(self) -> bool:
        """The driver, which is started again at once."""
        assert self.driver is not None
        self.driver.kill()
        self.driver.wait()
        self.start()
        return True

    def node(self) -> bool:
        """One of the two nodes; another one joins a moment later."""
        self.cluster.remove_node(self.chance.choice(self.cluster.list_all_nodes()[1:]), allow_graceful=False)
        time.sleep(self.chance.uniform(0, 2))
        add_node(self.cluster, self.elsewhere)
        return True

    def _kill(self, victims: list[psutil.Process]) -> bool:
        if not victims:
            return False
        with suppress(psutil.NoSuchProcess):
            self.chance.choice(victims).kill()
            return True
        return False


def family() -> list[psutil.Process]:
    """All processes of the cluster and of the driver."""
    return psutil.Process().children(recursive=True)


def command_of(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def trial_processes() -> list[psutil.Process]:
    """The processes that were forked for trials."""
    found = []
    for process in family():
        with suppress(psutil.Error):
            parent = process.parent()
            if FORK_SERVER in command_of(process) and parent is not None and FORK_SERVER in command_of(parent):
                found.append(process)
    return found


@pytest.fixture
def torture(
    cluster: Any, elsewhere: Path, tmp_path: Path, data_dir: Path, pytestconfig: pytest.Config
) -> Callable[..., Torture]:
    suite = tmp_path / "torture.yaml"
    suite.write_text(SUITE.replace("CHANCY", str(Path(__file__).with_name("chancy.py"))))
    chance = random.Random(pytestconfig.getoption("torture_seed"))
    return lambda name: Torture(cluster, elsewhere, suite, tmp_path / name, data_dir, chance)


def disturb(run: Torture, kills: Counter[str], wanted: int) -> None:
    """Let a run come to its end under as many kills as are still wanted."""
    run.start()
    while not run.is_over() and (kills + run.kills).total() < wanted:
        time.sleep(run.chance.uniform(0.5, 4))
        run.kill_something()
    run.finish()
    kills += run.kills
    assert set(statuses(run.results)) <= {"FINISHED", "KILLED"}, statuses(run.results)
    assert not list((run.results / "checkpoints").glob("*/*/*.pt"))  # none is needed any more


def test_it_ends_as_if_nothing_had_happened(
    torture: Callable[..., Torture], elsewhere: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run chooses algorithms under kills; the one that is left alone is given what it chose."""
    wanted, seed = pytestconfig.getoption("kills"), pytestconfig.getoption("torture_seed")
    kills: Counter[str] = Counter()
    first, quiet = torture("disturbed-0"), torture("quiet")
    disturb(first, kills, wanted)
    shutil.copytree(first.results / "algorithms", quiet.results / "algorithms")
    quiet.start()
    quiet.finish()
    expected = trained(quiet.results)
    assert len(expected) == 8
    assert all(kept.status == "FINISHED" and kept.weights and kept.history for kept in expected.values())
    assert trained(first.results) == expected  # every bit of the weights, every point of the curves

    runs = 1
    while kills.total() < wanted:
        run = torture(f"disturbed-{runs}")
        runs += 1
        shutil.copytree(first.results / "algorithms", run.results / "algorithms")
        disturb(run, kills, wanted)
        assert trained(run.results) == expected
    assert not (elsewhere / "used").exists()
    with capsys.disabled():
        print(f"\nseed {seed}: {kills.total()} kills survived in {runs} runs: {dict(kills)}", flush=True)
