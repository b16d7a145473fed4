"""The harness's own time, from moments made by hand."""

from __future__ import annotations

import pytest

from harness.engine.overhead import overhead
from harness.plan.trial import Moments


def test_one_after_the_other() -> None:
    found = overhead([Moments(10, 12, 30), Moments(35, 36, 75)])
    assert found["startup_seconds"] == 10
    assert found["first_step_seconds"] == 12
    assert found["setup_seconds"] == 1.5
    assert found["between_seconds"] == 5
    assert found["share"] == pytest.approx(5 / 60)


def test_side_by_side_and_in_any_order() -> None:
    """Two at a time, one inside the other; the gap is where none is running."""
    moments = [Moments(41, 42, 51), Moments(1, 6, 21), Moments(3, 4, 11), Moments(16, 17, 31)]
    found = overhead(moments)
    assert (found["startup_seconds"], found["first_step_seconds"]) == (1, 4)
    assert found["between_seconds"] == 10
    assert found["share"] == pytest.approx(10 / 40)


def test_nothing_was_run() -> None:
    assert overhead([]) == {}


def test_moments_of_a_workers_clock_by_that_of_the_driver() -> None:
    """Of the worker's clock differences alone mean anything."""
    assert Moments(1e6, 1e6 + 2, 1e6 + 20).ending(30.0) == Moments(10, 12, 30)
