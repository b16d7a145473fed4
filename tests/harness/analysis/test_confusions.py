"""Counts of which classes are taken for which, and their matrices."""

from __future__ import annotations

import numpy as np
import pytest

from harness.analysis.confusions import APART, Confusions, confusion_figure, counts_of, most_confused
from tests.harness.analysis.fakes import pixels, row, rows


def test_counts_are_over_all_seeds() -> None:
    counts = counts_of(row("x", predictions=[([0, 1, 2, 2], [0, 1, 1, 2]), ([0, 2, 2, 0], [0, 1, 1, 2])]))
    assert counts is not None
    assert counts.tolist() == [[2, 0, 0], [0, 1, 3], [1, 0, 1]]
    assert counts_of(row("x")) is None


def test_answers_of_more_classes_than_there_can_be_are_told() -> None:
    shown = rows(row("x", predictions=[([5_000], [0])]), row("y", predictions=[([1], [0])]), analysis="confusions")
    [spec] = Confusions().figures(shown)
    assert shown.left_out == ["confusions of x on a: ValueError: there are answers of 5,001 classes"]
    assert spec.draw(spec.name).alt_text == "Most often, y takes 0 for 1 (1 of 1)."


def test_there_is_no_figure_where_nothing_is_wrong() -> None:
    assert list(Confusions().figures(rows(row("x", predictions=[([1, 0], [1, 0])])))) == []


def test_confusions_leave_the_diagonal_out() -> None:
    figure = confusion_figure({"a": np.array([[8, 2], [0, 10]]), "b": np.array([[5, 5], [1, 9]])})
    axes = figure.axes[0]
    shown = np.ma.filled(pixels(axes.images[-1]), -1)
    assert shown[:, :2].tolist() == [[-1, 20], [0, -1]]
    assert shown[:, 2 + APART :].tolist() == [[-1, 50], [10, -1]]
    assert (shown[:, 2 : 2 + APART] == -1).all()
    assert [text.get_text() for text in axes.texts] == ["a", "b"]
    grey = [image.get_extent() for image in axes.images[:2]]  # the diagonals
    assert grey == [[-0.5, 1.5, 1.5, -0.5], [1.5 + APART, 3.5 + APART, 1.5, -0.5]]


def test_of_many_classes_those_are_shown_that_are_confused() -> None:
    counts = np.diag(np.full(300, 8))
    counts[7, 250], counts[250, 8] = 2, 8
    shown = most_confused([counts, np.ones((2, 2), int)])
    assert shown == [0, 1, 7, 8, 250]
    axes = confusion_figure({"a": counts, "b": np.ones((2, 2), int)}, shown).axes[0]
    drawn = np.ma.filled(pixels(axes.images[-1]), -1)
    assert (drawn[2, 4], drawn[4, 3]) == (20.0, 50.0)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "1", "7", "8", "250"]
    assert len(most_confused([np.ones((300, 300), int)]) or []) == 20
    assert len(confusion_figure({"a": np.ones((50, 50), int)}).axes[0].get_xticks()) <= 20
    assert most_confused([np.ones((50, 50), int)]) is None


@pytest.mark.parametrize("predictions", [[([], [])], [([], []), ([1], [0])]])
def test_a_test_without_images_is_left_out(predictions: list[tuple[list[int], list[int]]]) -> None:
    shown = rows(row("x", predictions=predictions))
    assert list(Confusions().figures(shown)) == []
    assert shown.left_out[0].startswith("x of x on a: ValueError")
