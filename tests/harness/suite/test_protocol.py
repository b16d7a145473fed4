"""Learning rates and the length of a protocol, against the formulas written out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.protocol import Protocol, Schedule


@pytest.mark.parametrize("iteration", [0, 1, 999, 1000, 1001, 1999, 2000, 123_456])
def test_rate_falls_smoothly(iteration: int) -> None:
    schedule = Schedule(factor=0.96, every=2000)
    expected = 0.001 * math.exp(math.log(0.96) * iteration / 2000)
    assert schedule.rate(0.001, iteration) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("iteration", "falls"), [(0, 0), (999, 0), (999.999, 0), (1000, 1), (1001, 1), (1999, 1), (2000, 2), (36_000, 36)]
)
def test_rate_falls_in_steps(iteration: float, falls: int) -> None:
    expected = 0.001
    for _ in range(falls):
        expected *= 0.9
    assert Schedule(factor=0.9, every=1000, staircase=True).rate(0.001, iteration) == pytest.approx(expected, rel=1e-12)


def test_rate_has_a_floor() -> None:
    schedule = Schedule(factor=0.96, every=2000, floor=1e-6)
    meets = 2000 * math.log(1e-6 / 1e-3) / math.log(0.96)  # about iteration 338,436
    assert schedule.rate(1e-3, meets - 100) > 1e-6
    assert schedule.rate(1e-3, meets + 100) == 1e-6
    assert schedule.rate(1e-3, 10**9) == 1e-6


def test_without_a_schedule_the_rate_stays() -> None:
    assert {Schedule().rate(0.01, iteration) for iteration in (0, 1, 10**6)} == {0.01}


@given(
    st.floats(0.5, 1),
    st.integers(1, 5000),
    st.booleans(),
    st.floats(0, 1e5),
    st.floats(0, 1e5),
)
def test_rate_never_rises(factor: float, every: int, staircase: bool, one: float, other: float) -> None:
    schedule = Schedule(factor=factor, every=every, staircase=staircase)
    early, late = sorted((one, other))
    assert 0 <= schedule.rate(0.1, late) <= schedule.rate(0.1, early) <= 0.1


@pytest.mark.parametrize(
    ("batch_size", "epochs", "examples", "iterations"),
    [
        (100, 30, 60_000, 18_000),
        (128, 50, 60_000, 23_400),  # 468 whole batches an epoch; the last 96 images are left out
        (50, 30, 60_000, 36_000),
        (20, 0.5, 1000, 25),
        (100, 0.001, 1000, 1),  # one at least
    ],
)
def test_length_of_a_protocol(batch_size: int, epochs: float, examples: int, iterations: int) -> None:
    protocol = Protocol(batch_size=batch_size, epochs=epochs, learning_rate=0.1)
    assert protocol.full_iterations(examples) == iterations
