import numpy as np

from harness.data.rng import Stream


def test_words_are_the_same_everywhere() -> None:
    # The first words of PCG64 seeded with sha256("a/1")[:16], held against every version of NumPy.
    assert Stream("a", 1).uniform(2).tolist() == [0.6457910798919038, 0.7344713752259371]


def test_identities_differ() -> None:
    draws = [Stream(*identity).uniform(4).tolist() for identity in (("a", 1), ("a", 2), ("b", 1), ("a", 11))]
    assert len({tuple(draw) for draw in draws}) == 4


def test_below_reaches_both_ends_evenly() -> None:
    counts = np.bincount(Stream("below").below(13, 130_000), minlength=13)
    assert len(counts) == 13
    assert abs(counts - 10_000).max() < 5 * 100  # five standard deviations


def test_below_takes_a_bound_for_each() -> None:
    bounds = np.array([1, 2, 50] * 1000)
    drawn = Stream("bounds").below(bounds, 3000)
    assert (drawn >= 0).all()
    assert (drawn < bounds).all()
    assert drawn[2::3].max() == 49


def test_permutation_has_everything_once() -> None:
    order = Stream("order").permutation(1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() != list(range(1000))
