"""Stratified subsets: a fixed part of a labelled set with the same shares of the classes."""

from __future__ import annotations

import numpy as np

from harness.data.dataset import Examples
from harness.data.rng import Stream


def subset(examples: Examples, count: int | None) -> Examples:
    """`count` examples in their original order, drawn by `stratified`; all of them if None or if there are no more."""
    if count is None or count >= len(examples):
        return examples
    chosen = stratified(examples.labels, count)
    return Examples(examples.images[chosen], examples.labels[chosen])


def stratified(labels: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` of the labels (n,), ascending: (count,) int64, a pure function of labels and count.

    Each class gets its share, rounded up or down, and at least one if `count` is at least the number of classes. Within
    a class the choice is random, so that an order or period of the set does not matter.
    """
    classes, number, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = _shares(sizes, count)
    rank = Stream("subset", len(labels)).permutation(len(labels))
    by_class = np.lexsort((rank, number))  # the indices of the first class in random order, then of the second …
    starts = np.cumsum(sizes) - sizes
    parts = [by_class[start : start + some] for start, some in zip(starts, wanted, strict=True)]
    return np.sort(np.concatenate(parts)) if len(classes) else np.zeros(0, np.int64)


def _shares(sizes: np.ndarray, count: int) -> np.ndarray:
    """Shares of `count` by class sizes, (classes,) int64: the method of largest remainders, in integers."""
    sizes, total = sizes.astype(np.int64), int(sizes.sum())
    shares = sizes * count // max(total, 1)
    if count >= len(sizes):
        shares = np.maximum(shares, 1)
    rank = Stream("shares", len(sizes)).permutation(len(sizes))  # so that equal remainders favour no class
    while (over := int(shares.sum()) - count) > 0:  # some classes were raised to one
        given = np.where(shares > 1, shares * total - sizes * count, -total * total)
        shares[np.lexsort((rank, -given))[0]] -= 1
    lacking = sizes * count - shares * total
    shares[np.lexsort((rank, -lacking))[:-over]] += 1
    return shares


def first_of_each_class(examples: Examples) -> Examples:
    """The first example of each class, in the order of the classes."""
    _, first = np.unique(examples.labels, return_index=True)
    return Examples(examples.images[first], examples.labels[first])
