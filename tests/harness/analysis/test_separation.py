"""The two numbers that figures of activities and couplings come to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.analysis.capsule_activity import coupling_correlation, separation

CAPSULES = np.arange(1152)


def test_separation_by_counting() -> None:
    low, high = [0.1] * 8, [0.9] * 7
    middling = [0.1 + 0.8 * way for way in (0.15, 0.25, 0.5, 0.75, 0.85)]  # three of them count
    activities = [*low, *middling, *high]  # the medians of both halves are 0.1 and 0.9
    assert separation(activities) == pytest.approx(1 - 3 / 20)
    assert separation([5 + 3 * value for value in activities]) == pytest.approx(1 - 3 / 20)  # on whatever scale


def test_separation_of_what_is_known() -> None:
    assert separation([0.9] * 50 + [0.1] * 250) == 1
    assert separation(np.linspace(0.9, 0.1, 300).tolist()) == pytest.approx(0.7, abs=0.01)
    assert separation([0.5] * 9) == 0
    assert separation([0.5]) == 0


def blurred(active: int, width: float) -> list[float]:
    """Activities that fall at so many active capsules over a certain number of capsules."""
    fallen: np.ndarray = 0.05 + 0.85 / (1 + np.exp(np.clip((CAPSULES - active) / width, -500, 500)))
    return fallen.tolist()


@pytest.mark.parametrize("width", [3, 6, 12])
def test_equal_blur_is_equally_clear_however_many_are_active(width: float) -> None:
    """Otsu's share of the variance rises by 0.01 to 0.03 from 50 to 100 active capsules."""
    found = [separation(blurred(active, width)) for active in (50, 70, 100)]
    assert np.ptp(found) <= 0.003


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_equal_noise_is_equally_clear_however_many_are_active(noise: float) -> None:
    """Otsu's share of the variance rises by 0.01 to 0.05 likewise."""
    random = np.random.default_rng(9)

    def noisy(active: int) -> float:
        return separation(np.clip(np.where(active > CAPSULES, 0.9, 0.1) + random.normal(0, noise, 1152), 0, 1).tolist())

    means = [np.mean([noisy(active) for _ in range(60)]) for active in (50, 70, 100)]
    assert np.ptp(means) <= 0.004


@pytest.mark.parametrize("seed", range(5))
def test_correlation_is_spearmans_over_all_capsules(seed: int) -> None:
    random = np.random.default_rng(seed)
    activities = np.round(np.sort(random.random(1152))[::-1], 1 if seed % 2 else 9)  # with and without ties
    couplings = random.random(1152) + seed / 3 * activities
    found = coupling_correlation(activities.tolist(), couplings.tolist())
    assert found == pytest.approx(stats.spearmanr(activities, couplings).statistic, rel=1e-9, abs=1e-12)


def test_correlation_of_what_is_everywhere_the_same() -> None:
    falling = list(range(100, 0, -1))
    assert math.isnan(coupling_correlation([1.0] * 100, falling))
    assert math.isnan(coupling_correlation(falling, [0.1] * 100))
    assert math.isnan(coupling_correlation([1.0], [1.0]))
    assert math.isnan(coupling_correlation([], []))
    assert coupling_correlation(falling, falling) == pytest.approx(1.0)
