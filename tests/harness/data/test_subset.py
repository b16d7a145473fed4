"""The part of a set that is trained on or tested."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data import Examples
from harness.data.subset import stratified, subset


def numbered(labels: np.ndarray) -> Examples:
    """Images that show their own number."""
    images = np.broadcast_to(np.arange(len(labels)).reshape(-1, 1, 1), (len(labels), 2, 2))
    return Examples(images.astype(np.int64), labels)


SORTED = np.repeat(np.arange(4), 30)
PERIODIC = np.tile(np.arange(10), 100)
BLOCKS = np.tile(np.repeat(np.arange(5), 20), 10)


@pytest.mark.parametrize("labels", [SORTED, PERIODIC, BLOCKS, SORTED[::-1]], ids=["sorted", "period", "blocks", "down"])
@pytest.mark.parametrize("count", [1, 3, 7, 30, 50, 100, 119])
def test_classes_are_balanced_whatever_their_order(labels: np.ndarray, count: int) -> None:
    chosen = stratified(labels, count)
    assert len(set(chosen.tolist())) == count
    assert (np.diff(chosen) > 0).all()
    shares = np.bincount(labels[chosen], minlength=labels.max() + 1)
    assert shares.max() - shares.min() <= 1
    assert np.array_equal(stratified(labels.astype(np.uint16), count), chosen)


def test_unequal_classes_keep_their_shares_and_none_is_lost() -> None:
    sizes = np.array([5000, 3000, 1900, 90, 9, 1])
    labels = np.random.RandomState(0).permutation(np.repeat(np.arange(6), sizes))
    for count in (6, 7, 10, 100, 999, 5000, 9_999):
        shares = np.bincount(labels[stratified(labels, count)], minlength=6)
        assert shares.sum() == count
        assert (shares >= 1).all()
        assert (shares <= sizes).all()
        exact = count * sizes / sizes.sum()
        if count >= 100:
            assert np.abs(shares - exact).max() < 1.5
    assert len(stratified(labels, 3)) == 3


def test_of_a_class_neither_the_first_nor_every_so_many_are_taken() -> None:
    chosen = stratified(SORTED, 40)
    for label in range(4):
        inside = chosen[SORTED[chosen] == label] - 30 * label
        assert inside.tolist() != list(range(10))
        assert len(set(np.diff(inside))) > 1
    period = np.arange(120) % 4  # what the images of one class may follow, such as viewpoints
    assert (np.bincount(period[chosen], minlength=4) > 3).all()


def test_images_and_labels_stay_together() -> None:
    labels = np.random.RandomState(1).randint(0, 300, 4000)
    part = subset(numbered(labels), 700)
    assert len(part) == 700
    assert np.array_equal(labels[part.images[:, 0, 0]], part.labels)


@pytest.mark.parametrize("count", [None, 120, 121, 10**6])
def test_all_where_no_fewer_are_asked_for(count: int | None) -> None:
    assert subset(numbered(SORTED), count).images[:, 0, 0].tolist() == list(range(120))
