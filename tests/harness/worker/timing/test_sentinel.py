"""The fixed model: the same work whatever was before, by each precision, with the trial's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from harness.plan.trial import TimingTrial
from harness.suite.protocol import Precision
from harness.worker import execute
from harness.worker.context import WorkerContext
from harness.worker.result import SentinelRun
from harness.worker.timing import sentinel
from harness.worker.timing.sentinel import Sentinel, time_sentinel

CPU = torch.device("cpu")


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[Sentinel]:
    """The models that are timed, of few images, so that it takes no time."""
    made: list[Sentinel] = []

    class Kept(Sentinel):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(sentinel, "Sentinel", Kept)
    monkeypatch.setattr(sentinel, "IMAGES", 2)
    return made


def test_it_does_the_same_work_whatever_was_drawn_before(models: list[Sentinel]) -> None:
    for seed in (1, 2):
        torch.manual_seed(seed)
        run = time_sentinel(3, "float32", CPU)
        assert len(run.seconds) == 3
        assert 0 < sum(run.seconds) < run.ended - run.began
    torch.manual_seed(0)
    untrained = Sentinel().state_dict()
    one, other = (model.state_dict() for model in models)
    for name, values in one.items():
        assert torch.equal(values, other[name])
        assert not torch.equal(values, untrained[name])  # every parameter is learned, so that nothing is left out


def test_it_never_changes() -> None:
    """Times of two records are comparable as long as this holds."""
    assert {name: tuple(values.shape) for name, values in Sentinel().named_parameters()} == {
        "features.weight": (64, 1, 9, 9),
        "features.bias": (64,),
        "maps.weight": (128, 64, 9, 9),
        "maps.bias": (128,),
        "weight": (576, 8, 160),
    }
    torch.manual_seed(0)
    scores = Sentinel()(torch.rand(sentinel.IMAGES, 1, 28, 28))
    assert scores.shape == (100, 10)


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_every_precision(models: list[Sentinel], precision: Precision) -> None:
    assert len(time_sentinel(1, precision, CPU).seconds) == 1
    assert all(values.isfinite().all() for values in models[0].parameters())


def test_it_has_the_trials_settings_and_leaves_none(
    timing_trial: Callable[..., TimingTrial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def timed(iterations: int, precision: Precision, device: torch.device) -> SentinelRun:
        seen.extend([iterations, precision, device.type, torch.get_num_threads()])
        return SentinelRun(0.0, 0.0, [])

    monkeypatch.setattr(sentinel, "time_sentinel", timed)
    before = torch.get_num_threads()
    changes = ("sentinel: 0", "sentinel: 7"), ("name: tiny", "name: tiny\nprecision: bfloat16")
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=before + 1)
    execute.run_sentinel(timing_trial(*changes), context, lambda _: None)
    assert seen == [7, "bfloat16", "cpu", before + 1]
    assert torch.get_num_threads() == before
