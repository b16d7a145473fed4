"""Which images a model gets wrong, and that they are drawn with what they are and were taken for."""

from __future__ import annotations

import numpy as np

from harness.analysis.mistakes import FIRST_IMAGES, Mistakes, WrongImages, mistakes_figure, mistakes_of
from tests.harness.analysis.fakes import drawer, examples, row, rows, trained


def test_first_mistakes() -> None:
    test = examples()
    predictions = test.labels.copy()
    wrong = np.arange(20, 20 + 2 * FIRST_IMAGES, 2)
    predictions[wrong] += 1
    found = WrongImages().measure(trained(drawer(), test, predictions))
    assert found["mistakes_at"].tolist() == wrong[:FIRST_IMAGES].tolist()
    assert (found["mistakes"] == test.images[wrong[:FIRST_IMAGES]]).all()


def test_mistakes_of_a_row_are_those_of_its_first_seed() -> None:
    images = np.arange(2 * 36, dtype=np.uint8).reshape(2, 6, 6)
    arrays = {"mistakes": images, "mistakes_at": np.array([1, 3])}
    first, second = ([0, 9, 2, 7, 4], [0, 1, 2, 3, 4]), ([9] * 5, [0, 1, 2, 3, 4])
    found = mistakes_of(row("x", "a", arrays, predictions=[first, second]))
    assert found is not None
    assert (found.truths.tolist(), found.predictions.tolist()) == ([1, 3], [9, 7])
    assert (found.wrong, found.tested) == (2, 5)
    assert mistakes_of(row("x")) is None
    assert mistakes_of(row("x", "a", arrays)) is None  # without answers
    assert mistakes_of(row("x", predictions=[first])) is None


def test_there_is_a_figure_where_anything_is_wrong() -> None:
    none = {"mistakes": np.zeros((0, 6, 6), np.uint8), "mistakes_at": np.zeros(0, int)}
    some = {"mistakes": np.zeros((1, 6, 6), np.uint8), "mistakes_at": np.array([0])}
    right, wrong = ([1], [1]), ([2], [1])
    shown = rows(row("x", "a", none, predictions=[right]), row("y", "b", some, predictions=[wrong]))
    [spec] = WrongImages().figures(shown)
    assert spec.name == "mistakes-b"
    assert "y 1 of 1" in spec.draw(spec.name).alt_text


def test_mistakes_are_labelled() -> None:
    images = np.zeros((2, 6, 6), np.uint8)
    none = np.array([], dtype=int)
    made = Mistakes(images, np.array([1, 2]), np.array([7, 3]), 2, 50)
    [axes] = mistakes_figure({"a": made, "b": Mistakes(images[:0], none, none, 0, 50)}).axes
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["a\n2 of 50", "1→7", "2→3"]  # a row without mistakes takes no line
