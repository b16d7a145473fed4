"""Curves of training: their mean and their range over seeds."""

from __future__ import annotations

import numpy as np
import pytest

from harness.analysis.curves import Curves, curves_figure
from tests.harness.analysis.fakes import row, rows


def test_mean_and_range_over_seeds() -> None:
    [axes] = curves_figure({"a": [[(1, 10.0), (2, 6.0)], [(1, 20.0), (2, 8.0)]]}).axes
    assert axes.lines[0].get_ydata() == pytest.approx(np.array([15.0, 7.0]))
    assert axes.collections[0].get_paths()[0].get_extents().y1 == 20.0  # the band reaches to the highest seed


def test_one_figure_for_each_task_of_the_seeds_that_have_curves() -> None:
    shown = rows(row("x", "a", curves=[[(1, 8.0)], [], [(1, 5.0)]]), row("y", "b", curves=[[]]), row("z", "c"))
    [spec] = Curves().figures(shown)
    assert spec.name == "curves-a"
    assert spec.draw(spec.name).alt_text == "Errors at the end: x 6.5%."
