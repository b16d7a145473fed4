"""Error against time: a panel for each task, a sign for each row."""

from __future__ import annotations

import numpy as np

from harness.analysis.costs import Costs, costs_figure
from tests.harness.analysis.fakes import row, rows, timed, y_data


def test_points() -> None:
    first, second = costs_figure([("mnist", "a", 0.1, 5.0), ("affnist", "a", 0.1, 50.0)]).axes
    assert (y_data(first.lines[0])[0], y_data(second.lines[0])[0]) == (5.0, 50.0)
    assert np.asarray(first.lines[0].get_xdata())[0] == 100.0  # milliseconds
    assert first.get_xscale() == "log"


def test_the_legend_has_what_the_first_panel_lacks() -> None:
    figure = costs_figure([("mnist", "a", 0.1, 5.0), ("affnist", "b", 0.2, 50.0)])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_rows_that_are_both_trained_and_timed_are_shown() -> None:
    shown = rows(row("x", "a", seconds=1.7, error=0.5), row("y", error=1.0), row("z", seconds=1.0), timed("z", [1.0]))
    [spec] = Costs().figures(shown)
    assert spec.name == "costs"
    assert spec.draw("costs").alt_text == "x on a 0.5% at 1700 ms."
    assert list(Costs().figures(rows(row("y", error=1.0)))) == []
