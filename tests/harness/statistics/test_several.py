"""Holm's correction against statsmodels, and the levels it means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from harness.statistics.estimate import LEVEL, Estimate
from harness.statistics.several import holm, levels, p_text

FAMILIES = [
    [0.2],
    [0.01, 0.04, 0.03, 0.005, 0.8],
    [0.02, 0.02, 0.02],
    [0.0, 1.0],
    [0.016, 0.016, 0.03, 1.0, 1.0],
    [1e-300, 0.051, 0.049],
]


@pytest.mark.parametrize("ps", FAMILIES)
def test_holm_against_statsmodels(ps: list[float]) -> None:
    assert holm(ps) == pytest.approx(list(multipletests(ps, method="holm")[1]))


def random_family(random: np.random.Generator) -> list[float]:
    """p-values, many of them near the level, some of them equal."""
    ps = random.random(random.integers(1, 12)) ** random.choice([1, 2, 4])
    if random.random() < 0.5:
        ps = np.round(ps, 2)
    return [float(p) for p in ps]


def test_random_families_against_statsmodels() -> None:
    random = np.random.default_rng(0)
    for _ in range(5):
        ps = random_family(random)
        assert holm(ps) == pytest.approx(list(multipletests(ps, method="holm")[1]))


def test_a_p_value_passes_its_level_exactly_if_the_corrected_one_passes_the_level_of_all() -> None:
    random = np.random.default_rng(3)
    for _ in range(3000):
        ps = random_family(random)
        passed = [p < level for p, level in zip(ps, levels(ps), strict=True)]
        assert passed == [p < LEVEL for p in holm(ps)]


def test_an_interval_at_its_level_leaves_out_none_exactly_if_the_corrected_p_value_is_below_the_level() -> None:
    random = np.random.default_rng(1)
    seen = set()
    for _ in range(2000):
        ps = random_family(random)
        for p, corrected, level in zip(ps, holm(ps), levels(ps), strict=True):
            freedom = float(random.uniform(1, 30))
            value = float(stats.t.isf(p / 2, freedom)) if 0 < p < 1 else 0.0
            if p <= 0 or abs(corrected - LEVEL) < 1e-9:
                continue
            low, high = Estimate(value, 1.0, freedom).interval(level)
            assert (not low <= 0 <= high) == (corrected < LEVEL)
            seen.add(corrected < LEVEL)
    assert seen == {True, False}


def test_levels_of_a_family() -> None:
    """Passed one after the other, the smallest first; what comes after the first failure fails at its level."""
    assert levels([0.03, 0.001, 0.02]) == pytest.approx([0.05, 0.05 / 3, 0.05 / 2])
    assert levels([0.03, 0.001, 0.026]) == pytest.approx([0.05 / 2, 0.05 / 3, 0.05 / 2])
    assert levels([0.03, 0.02, 0.04]) == pytest.approx([0.05 / 3] * 3)
    assert levels([0.2, 0.09], level=0.2) == pytest.approx([0.2, 0.1])
    assert levels([0.7]) == [LEVEL]
    assert levels([]) == holm([]) == []


def test_a_level_that_is_just_met_is_not_passed() -> None:
    assert levels([0.05]) == [0.05]
    assert holm([0.05]) == [0.05]
    assert levels([0.025, 0.025]) == [0.025, 0.025]
    assert holm([0.025, 0.025]) == [0.05, 0.05]


def test_the_order_of_a_family_does_not_matter() -> None:
    random = np.random.default_rng(2)
    ps = np.array([0.001, 0.04, 0.013, 0.02, 0.6])
    for _ in range(20):
        order = random.permutation(5)
        assert holm(ps[order].tolist()) == pytest.approx(np.array(holm(ps.tolist()))[order])
        assert levels(ps[order].tolist()) == pytest.approx(np.array(levels(ps.tolist()))[order])


@pytest.mark.parametrize("undefined", [float("nan"), -0.1, 1.1])
def test_what_is_undefined_must_not_be_among_them(undefined: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, undefined, 0.001])


def test_small_values_are_told_as_such() -> None:
    assert (p_text(0.0312), p_text(1e-9), p_text(0.0), p_text(1.0)) == (
        "p = 0.031",
        "p < 0.0001",
        "p < 0.0001",
        "p = 1",
    )
