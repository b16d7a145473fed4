"""The fork server: results, errors, and what happens when one of the processes dies."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch

from harness.engine.events import failure
from harness.plan.budget import Cost
from harness.plan.trial import Trial
from harness.worker.context import WorkerContext
from harness.worker.execute import execute_trial
from harness.worker.forkserver import ForkServer, TrialError, WorkerDied
from harness.worker.numbers import TimingNumbers
from harness.worker.result import AttemptSuperseded, Progress, Result
from harness.worker.timing.with_sentinel import run_with_sentinel

MakeTrial = Callable[..., Trial]


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    made = ForkServer()
    yield made
    made.stop()


@pytest.fixture
def context(tmp_path: Path, tiny: Path) -> WorkerContext:
    return WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1, plugins=(tiny,))


def test_a_result_is_that_of_this_process(
    server: ForkServer, context: WorkerContext, training_trial: MakeTrial
) -> None:
    said: list[Progress] = []
    result = server.run("execute_trial", training_trial(), context, said.append)
    here = execute_trial(training_trial(), context, lambda _: None)
    assert isinstance(result, Result)
    assert [point.metrics for point in result.history] == [point.metrics for point in here.history]
    assert said[-1].history == result.history


def test_each_has_a_process_of_its_own(
    server: ForkServer, context: WorkerContext, training_trial: MakeTrial, timing_trial: MakeTrial, tmp_path: Path
) -> None:
    for trial in (training_trial(witness=str(tmp_path)), timing_trial(witness=str(tmp_path))):
        assert isinstance(server.run("execute_trial", trial, context, lambda _: None), Result)
    processes = [int(path.name) for path in tmp_path.iterdir() if path.name.isdigit()]
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert not any(psutil.pid_exists(process) for process in processes)


def known(number: float | None) -> float:
    assert number is not None
    return number


def test_nothing_of_the_sentinel_is_in_the_process_of_the_row(
    server: ForkServer, context: WorkerContext, timing_trial: MakeTrial, tmp_path: Path
) -> None:
    """The sentinel needs some hundred MiB and the row next to none, so that a peak tells whose process it was in."""
    trial = timing_trial(("sentinel: 0", "sentinel: 1"), witness=str(tmp_path))
    result = run_with_sentinel(trial, lambda work: server.run(work, trial, context, lambda _: None))
    assert isinstance(result, Result)
    found = result.numbers
    assert isinstance(found, TimingNumbers)
    assert known(found.peak_memory_mib) - known(found.memory_before_mib) < 60
    assert known(found.first_seconds) < known(found.sentinel_before_seconds)
    assert len([path for path in tmp_path.iterdir() if path.name.isdigit()]) == 1  # the variant has met one process


def test_it_has_the_environment_of_the_moment(
    server: ForkServer,
    context: WorkerContext,
    training_trial: MakeTrial,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seen in ("0", "1"):  # as Ray grants GPUs
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
        server.run(
            "execute_trial", training_trial(witness=str(tmp_path), hidden=3 + int(seen)), context, lambda _: None
        )
    assert sorted(path.read_text() for path in tmp_path.iterdir() if path.name.isdigit()) == ["0", "1"]


def test_a_cost(server: ForkServer, context: WorkerContext, training_trial: MakeTrial) -> None:
    cost = server.run("estimate_cost", training_trial(pause=0.05), context, lambda _: None)
    assert isinstance(cost, Cost)
    assert 0.05 < cost.iteration < 0.5


def test_an_exception_comes_back_as_text(server: ForkServer, context: WorkerContext, training_trial: MakeTrial) -> None:
    outcome = server.run("execute_trial", training_trial(fails=True), context, lambda _: None)
    assert isinstance(outcome, TrialError)
    assert outcome.cause == "ValueError: told to fail [here]"
    assert "tiny.py" in outcome.details


def test_one_that_leaves_is_lost_and_the_next_one_runs(
    server: ForkServer, context: WorkerContext, training_trial: MakeTrial, tmp_path: Path
) -> None:
    trial = training_trial(killed_once=str(tmp_path / "killed"))
    with pytest.raises(WorkerDied, match="its process has left with exit code 1"):
        server.run("execute_trial", trial, context, lambda _: None)
    assert isinstance(server.run("execute_trial", trial, context, lambda _: None), Result)


@pytest.mark.parametrize("generation", ["process", "server"])
def test_one_that_is_killed_is_lost_and_the_next_one_runs(
    server: ForkServer, context: WorkerContext, training_trial: MakeTrial, generation: str
) -> None:
    def kill(progress: Progress) -> None:
        if progress.iterations:
            mine = psutil.Process().children(recursive=True)
            ours = [child for child in mine if "harness.worker.forkserver" in " ".join(child.cmdline())]
            [forked] = [child for child in ours if not child.children()]
            victim = forked if generation == "process" else forked.parent()
            assert victim is not None
            victim.send_signal(signal.SIGKILL)

    cause = "its process was killed by SIGKILL" if generation == "process" else "its worker was killed"
    with pytest.raises(WorkerDied, match=cause):
        server.run("execute_trial", training_trial(pause=0.5), context, kill)
    assert isinstance(server.run("execute_trial", training_trial(), context, lambda _: None), Result)


CALLER = """
import sys
from pathlib import Path
from harness.worker.timing.with_sentinel import run_with_sentinel
from harness.worker.context import WorkerContext
from harness.worker.forkserver import ForkServer
from harness.plan.trial import TrainingTrial

trial = TrainingTrial.model_validate_json(sys.argv[1])
context = WorkerContext(data=Path("/"), checkpoints=Path(sys.argv[2]), threads=1, plugins=(Path(sys.argv[3]),))
ForkServer().run("execute_trial", trial, context, lambda said: print(said.iterations, flush=True))
"""


def test_nothing_outlives_the_one_who_asked(tmp_path: Path, tiny: Path, training_trial: MakeTrial) -> None:
    trial = training_trial(pause=10.0)
    command = [sys.executable, "-c", CALLER, trial.model_dump_json(), str(tmp_path), str(tiny)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() != "", "it does not train"
        family = psutil.Process(caller.pid).children(recursive=True)
        assert len(family) == 2  # the fork server and the trial's process
        caller.kill()
        limit = time.monotonic() + 30
        while any(process.is_running() for process in family) and time.monotonic() < limit:
            time.sleep(0.05)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)


def test_the_working_directory_gives_no_code(
    server: ForkServer,
    context: WorkerContext,
    training_trial: MakeTrial,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A node's may be a checkout of another version."""
    for package in ("harness", "harness/worker", "variants"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("from pathlib import Path; Path('mark').touch()\n")
    monkeypatch.chdir(tmp_path)
    server.stop()
    assert isinstance(server.run("execute_trial", training_trial(), context, lambda _: None), Result)
    assert not (tmp_path / "mark").exists()
    server.stop()


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: 12 bytes"),
            "memory",
        ),
        (torch.OutOfMemoryError("CUDA out of memory"), "memory"),
        (FULL, "disk"),
        (AttemptSuperseded("another one has it"), "superseded"),
        (raised_from(RuntimeError("PytorchStreamWriter failed writing file"), FULL), "disk"),
        (ValueError("12"), "error"),
        (OSError(errno.ENOENT, "No such file"), "error"),
    ],
)
def test_what_an_exception_comes_to(training_trial: MakeTrial, error: Exception, kind: str) -> None:
    """Too little memory is worth another try, a full disk stops all, anything else is the variant's."""
    broken = TrialError.from_exception(error)
    assert broken.kind == kind
    event = failure(training_trial(), broken)
    assert (event.is_lost, event.is_disk_full) == (kind in ("memory", "superseded"), kind == "disk")
