"""Models at chance, and models that have learned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.report.tables.learning import constant_error, has_learned, learning_of

TRUE = np.repeat(np.arange(10, dtype=np.uint8), [100, 80, 110, 100, 90, 100, 120, 100, 100, 100])


def test_the_best_constant_answer_is_the_commonest_class() -> None:
    errors = [100 * np.mean(constant != TRUE) for constant in range(10)]
    assert constant_error(TRUE) == pytest.approx(min(errors)) == pytest.approx(88.0)


@pytest.mark.parametrize("right", [0, 120, 139, 142, 500])
def test_learned_is_what_lies_below_chance_with_its_interval(right: int) -> None:
    predicted = (TRUE + 1) % 10
    predicted[:right] = TRUE[:right]
    high = stats.binomtest(1000 - right, 1000).proportion_ci(0.95, method="wilson").high
    assert has_learned(predicted, TRUE) is bool(high < 0.88)
    assert has_learned(predicted, TRUE) is (right >= 142)


def test_a_constant_answer_has_learned_nothing() -> None:
    for answer in range(10):
        assert not has_learned(np.full_like(TRUE, answer), TRUE)
    assert not has_learned(np.zeros(5, np.uint8), np.zeros(5, np.uint8))  # of one class nothing can be learned


def test_every_seed_counts() -> None:
    good, bad = (TRUE, TRUE), (np.full_like(TRUE, 6), TRUE)
    found = learning_of([good, bad, bad])
    assert found is not None
    assert (found.models, found.unlearned, found.chance) == (3, 2, pytest.approx(88.0))
    assert learning_of([]) is None
    assert learning_of([(TRUE[:0], TRUE[:0])]) is None
