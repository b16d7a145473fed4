"""Single iterations: every one is drawn, with the median of its process."""

from __future__ import annotations

import pytest

from harness.analysis.samples import Samples, samples_figure
from tests.harness.analysis.fakes import rows, timed, y_data


def test_every_iteration_is_a_dot() -> None:
    [axes] = samples_figure({"a": [[0.1, 0.2, 0.3], [0.4]]}).axes
    assert axes.get_yscale() == "log"
    drawn = [y_data(line).tolist() for line in axes.lines]
    assert drawn == [pytest.approx(values) for values in ([100, 200, 300], [200, 200], [400], [400, 400])]


def test_processes_without_samples_are_left_out() -> None:
    [spec] = Samples().figures(rows(timed("x", [0.1, 0.3], []), timed("y", [])))
    assert spec.name == "samples"
    assert spec.draw("samples").alt_text == "Medians: x 200 ms."
    assert list(Samples().figures(rows(timed("y")))) == []
