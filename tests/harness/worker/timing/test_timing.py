"""Timing: what is counted, when warm-up ends, and a known time against the measured one."""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.plan.trial import TimingTrial
from harness.suite.protocol import TimingProtocol
from harness.worker.context import WorkerContext
from harness.worker.numbers import TimingNumbers, to_metrics
from harness.worker.result import Result
from harness.worker.timing import timing
from harness.worker.timing.timing import _summary, _warm_up, agree, time_trial, trend

MakeTrial = Callable[..., TimingTrial]


def numbers_of(result: Result) -> TimingNumbers:
    assert isinstance(result.numbers, TimingNumbers)
    return result.numbers


@pytest.fixture
def context(tmp_path: Path) -> WorkerContext:
    return WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=1)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([9, 9, 9, 1, 1, 1, 1.04, 1.04, 1.04], True),  # what came before does not count
        ([1, 1, 1, 1.06, 1.06, 1.06], False),
        ([1.06, 1.06, 1.06, 1, 1, 1], False),  # the same either way
        ([1.04, 1.04, 1.04, 1, 1, 1], True),
        ([1, 5, 1, 1, 1, 9], True),  # medians, so that an outlier does not matter
        ([1, 5, 5, 1, 1, 9], False),
    ],
)
def test_two_windows_agree(samples: list[float], expected: bool) -> None:
    assert agree(samples, window=3, tolerance=0.05) is expected


def test_a_known_time_is_measured(timing_trial: MakeTrial, context: WorkerContext) -> None:
    pause = 0.05
    found = numbers_of(time_trial(timing_trial(("iterations: 4", "iterations: 15"), pause=pause), context))
    assert found.median_seconds is not None
    assert pause <= found.median_seconds < 2 * pause
    for seconds in (found.mean_seconds, found.with_data_seconds, found.first_seconds):
        assert seconds is not None
        assert seconds >= pause


def test_samples_are_all_kept_and_summed_up(timing_trial: MakeTrial, context: WorkerContext) -> None:
    trial = timing_trial(("iterations: 4", "iterations: 9\n  with_data: 3"))
    result = time_trial(trial, context)
    raw = result.samples
    assert {name: len(values) for name, values in raw.items()} == {
        "iteration": 9,
        "warmup": len(raw["warmup"]),
        "with_data": 3,
        "first": 1,
        "inference": 5,
    }
    assert 4 <= len(raw["warmup"]) <= 5  # two windows of 2 at least; at 4 it gives up
    assert all(value > 0 for values in raw.values() for value in values)
    ordered = sorted(raw["iteration"])
    numbers = numbers_of(result)
    assert numbers.median_seconds == ordered[4]
    assert numbers.q25_seconds == ordered[2]
    assert numbers.q75_seconds == ordered[6]
    assert numbers.mean_seconds == pytest.approx(sum(ordered) / 9)
    assert numbers.trend == sorted(raw["iteration"][6:])[1] / sorted(raw["iteration"][:3])[1]
    assert numbers.with_data_seconds == sorted(raw["with_data"])[1]
    assert numbers.warmup_iterations == len(raw["warmup"])
    assert numbers.parameters == 144 * 6 + 6 + 6 * 4 + 4
    assert numbers.peak_memory_mib is not None
    assert numbers.peak_memory_mib > 10
    assert result.machine["device"] == "cpu"


def test_data_of_a_single_batch_are_timed_too(timing_trial: MakeTrial, context: WorkerContext) -> None:
    result = time_trial(timing_trial(("  batch_size: 20\n  rounds", "  batch_size: 120\n  rounds")), context)
    assert np.isfinite(list(to_metrics(result.numbers).values())).all()
    assert len(result.samples["with_data"]) == 1


def warm_up(
    monkeypatch: pytest.MonkeyPatch, protocol: TimingProtocol, seconds: Callable[[int], float]
) -> tuple[list[float], bool]:
    """Warm up with a call whose n-th duration is given, whatever the machine does meanwhile."""
    numbers = count()
    monkeypatch.setattr(
        timing, "seconds_of", lambda call, times, device: [seconds(next(numbers)) for _ in range(times)]
    )
    return _warm_up(lambda: None, protocol, torch.device("cpu"))


def test_warm_up_goes_on_until_it_is_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = TimingProtocol(warmup=2, window=2, longest_warmup=50, tolerance=0.3)
    samples, is_steady = warm_up(monkeypatch, protocol, lambda n: 0.04 if n < 6 else 0.01)
    assert is_steady
    assert len(samples) == 4  # slow, but steady
    samples, is_steady = warm_up(monkeypatch, protocol, lambda n: max(0.01, 0.08 / 2 ** (n // 2)))
    assert is_steady
    assert len(samples) == 10  # 80, 40, 20, 10, 10 ms


def test_warm_up_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = TimingProtocol(warmup=3, window=2, longest_warmup=8, tolerance=0.1)
    samples, is_steady = warm_up(monkeypatch, protocol, lambda n: 0.002 * 1.5**n)
    assert not is_steady
    assert len(samples) == 8


@pytest.mark.parametrize("is_steady", [True, False])
def test_an_unsteady_trial_is_flagged(
    timing_trial: MakeTrial, context: WorkerContext, monkeypatch: pytest.MonkeyPatch, is_steady: bool
) -> None:
    monkeypatch.setattr(timing, "agree", lambda *_: is_steady)
    assert numbers_of(time_trial(timing_trial(), context)).is_steady is is_steady


def test_garbage_is_collected_again_afterwards(timing_trial: MakeTrial, context: WorkerContext) -> None:
    time_trial(timing_trial(), context)
    assert gc.isenabled()
    with pytest.raises(ValueError, match="told to"):
        time_trial(timing_trial(fails=True), context)
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([1.0, 1.0], None),
        ([1.0, 9.0, 2.0], 2.0),  # a third of three is one
        ([1.0, 3.0, 9.0, 2.0, 3.0], 3.0),  # as is one of five
        ([2.0, 2.2, 9.0, 9.0, 3.0, 3.3], 1.5),
        ([2.0, 9.0, 2.0, 5.0, 5.0, 5.0, 1.0, 1.0, 9.0], 0.5),  # an outlier is none
    ],
)
def test_a_trend_is_the_last_third_over_the_first(samples: list[float], expected: float | None) -> None:
    assert trend(samples) == pytest.approx(expected)


def test_too_few_samples_have_no_trend() -> None:
    raw = {"iteration": [1.0, 2.0], "with_data": [1.0], "warmup": []}
    assert _summary(raw, 1.0, TimingNumbers()).trend is None
    assert _summary(raw | {"iteration": [1.0, 2.0, 3.0]}, 1.0, TimingNumbers()).trend == 3
