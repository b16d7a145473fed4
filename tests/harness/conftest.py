"""What the tests of the engine share: a tiny variant and dataset, trials of them, and suites on disk."""

from __future__ import annotations

import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.plan.make import make_plan
from harness.plan.trial import TimingTrial, TrainingTrial, Trial
from harness.record.tracking_uri import be_quiet, default_tracking_uri
from harness.registry import load_plugin
from harness.report.figures.all_figures import ReportFigures
from harness.suite.load import load_suite

TINY = Path(__file__).parent / "tiny.py"
SUITE = """
name: tiny
protocols:
  short: {batch_size: 20, epochs: 4, learning_rate: 0.01, schedule: {factor: 0.5, every: 6}}
errors:
  tasks: [tiny-digits]
  seeds: [0]
  rows: [{variant: tiny, protocol: short}]
times:
  task: tiny-digits
  batch_size: 20
  rounds: 2
  warmup: 2
  window: 2
  longest_warmup: 4
  iterations: 4
  threads: 1
  sentinel: 0
  rows: [{variant: tiny}]
"""


@pytest.fixture(scope="session")
def tiny() -> Path:
    """The tiny variant and dataset, registered; the path of their plugin."""
    load_plugin(TINY)
    return TINY


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a text to a file of the test's own folder."""

    def to_file(text: str, name: str = "suite.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def tiny_suite(tiny: Path, write: Callable[..., Path]) -> Path:
    """A suite of one trained and one timed row of the tiny variant."""
    return write(SUITE)


@pytest.fixture
def trials(tiny_suite: Path, tmp_path: Path) -> Callable[..., list[Trial]]:
    """The tiny suite's trials: the settings of the variant, and texts to be replaced in the suite, can be given."""

    def make(*changes: tuple[str, str], **config: Any) -> list[Trial]:
        text = SUITE.replace("variant: tiny", f"variant: tiny, config: {config}" if config else "variant: tiny")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        tiny_suite.write_text(text)
        return make_plan(load_suite(tiny_suite), tmp_path).trials

    return make


@pytest.fixture
def training_trial(trials: Callable[..., list[Trial]]) -> Callable[..., TrainingTrial]:
    """The first training trial of the tiny suite, changed as `trials` allows."""
    return lambda *changes, **config: next(t for t in trials(*changes, **config) if isinstance(t, TrainingTrial))


@pytest.fixture
def timing_trial(trials: Callable[..., list[Trial]]) -> Callable[..., TimingTrial]:
    """The first timing trial of the tiny variant, changed as `trials` allows."""
    return lambda *changes, **config: next(
        t for t in trials(*changes, **config) if isinstance(t, TimingTrial) and t.row == 0
    )


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty MLflow store, made once, since its tables take seconds."""
    be_quiet()
    from harness.record.writer import RunWriter

    folder = tmp_path_factory.mktemp("store")
    RunWriter(default_tracking_uri(folder), "none")
    return folder / "mlflow.db"


@pytest.fixture
def results(tmp_path: Path, empty_store: Path) -> Path:
    """A results folder with an empty store in it."""
    folder = tmp_path / "results"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def small_files() -> Callable[[int], AbstractContextManager[None]]:
    """While it holds, no file can grow over so many bytes, as on a disk that is full."""

    @contextmanager
    def hold(largest: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return hold


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line of an error."""
        assert self.code == 2, self
        assert self.out == ""
        [line] = self.err.splitlines()
        return line


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """Signals do what they do in a new process, however the tests were started, and afterwards what they did before."""
    usual: dict[int, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], usual_signals: None
) -> Callable[..., Said]:
    """Run a command of `python -m harness` in this process, as wide as it likes.

    What takes seconds is left out: its report's figures, and the measurement of large matrix products.
    """
    from harness.cli.main import main

    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("harness.report.build.draw_all", lambda *_: ReportFigures())
    monkeypatch.setattr("harness.worker.timing.timing.matrix_product_rate", lambda _: 1e11)

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        text = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Said(left.value.code, text.out, text.err)

    return run
