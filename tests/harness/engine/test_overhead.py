"""The harness's own time, from moments made by hand."""

from __future__ import annotations

import pytest

from harness.engine.overhead import overhead
from harness.trial import Moments


def test_one_after_the_other() -> None:
    found = overhead(100.0, [Moments(110, 112, 130), Moments(135, 136, 175)])
    assert found["startup_seconds"] == 10
    assert found["first_step_seconds"] == 12
    assert found["setup_seconds"] == 1.5
    assert found["between_seconds"] == 5
    assert found["share"] == pytest.approx(5 / 60)


def test_side_by_side_and_in_any_order() -> None:
    """Two at a time, one inside the other; the gap is where none is running."""
    moments = [Moments(40, 41, 50), Moments(0, 5, 20), Moments(2, 3, 10), Moments(15, 16, 30)]
    found = overhead(-1.0, moments)
    assert (found["startup_seconds"], found["first_step_seconds"]) == (1, 4)
    assert found["between_seconds"] == 10
    assert found["share"] == pytest.approx(10 / 40)


def test_nothing_was_run() -> None:
    assert overhead(0.0, []) == {}
