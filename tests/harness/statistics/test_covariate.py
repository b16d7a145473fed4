"""How far times follow the fixed model's, against the formula for a full table and against what is put in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols

from harness.statistics.covariate import Slope, slope_of

ROWS, BLOCKS = 4, 6
NAMES = [(row, block) for row in range(ROWS) for block in range(BLOCKS)]


def slope(times: np.ndarray, fixed: np.ndarray, left_out: int = 0) -> Slope:
    """Of tables of logarithms, (rows, blocks), without the last ones."""
    kept = len(NAMES) - left_out
    return slope_of(
        times.ravel()[:kept].tolist(),
        fixed.ravel()[:kept].tolist(),
        [row for row, _ in NAMES[:kept]],
        [block for _, block in NAMES[:kept]],
    )


def within(table: np.ndarray) -> np.ndarray:
    """Without the means of rows and blocks."""
    return table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()


def test_a_full_table() -> None:
    random = np.random.default_rng(3)
    fixed = random.normal(0, 0.1, (ROWS, BLOCKS))
    times = 0.6 * fixed + random.normal(0, 0.05, (ROWS, BLOCKS))
    found = slope(times, fixed)
    ours, theirs = within(times), within(fixed)
    value = (ours * theirs).sum() / (theirs**2).sum()
    assert found.value == pytest.approx(value)
    before, after = (ours**2).sum() / 15, ((ours - value * theirs) ** 2).sum() / 14  # degrees of freedom: 3 · 5
    assert found.lowers == pytest.approx(1 - after / before)


def test_what_rows_and_blocks_have_in_common_is_no_part_of_it() -> None:
    """With some missing, too."""
    random = np.random.default_rng(4)
    fixed = random.normal(0, 0.1, (ROWS, BLOCKS))
    common = random.normal(0, 1, (ROWS, 1)) + random.normal(0, 1, (1, BLOCKS))
    found = slope(common + 0.6 * fixed, common + fixed, left_out=3)
    assert (found.value, found.lowers) == pytest.approx((0.6, 1.0))


def test_a_machine_that_changes_between_blocks_alone_needs_no_correction() -> None:
    random = np.random.default_rng(5)
    blocks = random.normal(0, 0.2, (1, BLOCKS))
    times = blocks + random.normal(0, 0.03, (ROWS, BLOCKS))
    assert slope(times, blocks + random.normal(0, 0.1, (ROWS, BLOCKS))).value < 0.2
    assert slope(times, blocks + np.zeros((ROWS, BLOCKS))) == Slope()


@pytest.mark.parametrize("factor", [-1.0, 0.0, 3.0])
def test_it_lies_between_none_and_all(factor: float) -> None:
    fixed = np.random.default_rng(6).normal(0, 0.1, (ROWS, BLOCKS))
    assert slope(factor * fixed, fixed).value == (1 if factor > 1 else 0)


def test_too_few_times_give_none() -> None:
    fixed = np.random.default_rng(7).normal(0, 0.1, (ROWS, BLOCKS))
    assert slope(fixed, fixed, left_out=6).value == pytest.approx(1)  # 18 times, 3 rows, 6 blocks: 10 degrees
    assert slope(fixed, fixed, left_out=7) == Slope()
    assert slope_of([], [], [], []) == Slope()


@pytest.mark.parametrize("seed", range(6))
def test_a_table_with_gaps_against_statsmodels(seed: int) -> None:
    """Least squares with a level for each row and each block; it lowers the adjusted variance by what is told."""
    random = np.random.default_rng(seed)
    kept = random.permutation(len(NAMES))[:19]
    lines = pd.DataFrame([NAMES[place] for place in kept], columns=["row", "block"])
    levels = lines["row"] + 0.3 * lines["block"]
    lines["fixed"] = levels + random.normal(0, 0.1, 19)
    lines["time"] = 2 * levels + 0.5 * lines["fixed"] + random.normal(0, 0.02, 19)
    whole, without = (
        ols(f"time ~ {terms}", lines).fit() for terms in ("C(row) + C(block) + fixed", "C(row) + C(block)")
    )
    assert without.df_resid >= 10
    found = slope_of(*(lines[name].tolist() for name in ("time", "fixed", "row", "block")))
    assert 0 < found.value < 1
    assert found.value == pytest.approx(whole.params["fixed"])
    assert found.lowers == pytest.approx(1 - whole.mse_resid / without.mse_resid)


def test_a_slope_that_lowers_the_variance_by_less_than_its_degree_of_freedom_costs_is_not_used() -> None:
    """Of 15 degrees of freedom it has to take away more than one in fifteen."""
    random = np.random.default_rng(8)
    fixed = within(random.normal(0, 1, (ROWS, BLOCKS)))
    noise = within(random.normal(0, 1, (ROWS, BLOCKS)))
    noise -= (noise * fixed).sum() / (fixed**2).sum() * fixed
    noise *= np.sqrt((fixed**2).sum() / (noise**2).sum())
    for share, used in ((0.9 / 15, False), (1.1 / 15, True)):
        times = np.sqrt(share) * fixed + np.sqrt(1 - share) * noise
        assert slope(times, fixed).value == (pytest.approx(np.sqrt(share)) if used else 0)


def test_a_fixed_model_or_rows_that_never_change_tell_nothing() -> None:
    changes = np.random.default_rng(9).normal(0, 0.1, (ROWS, BLOCKS))
    same = np.full((ROWS, BLOCKS), 0.1 + 0.2)
    assert slope(changes, same) == slope(same, changes) == slope(same, same) == Slope()


def test_of_noise_little_is_used() -> None:
    random = np.random.default_rng(10)
    found = [slope(*random.normal(0, 0.1, (2, ROWS, BLOCKS))) for _ in range(200)]
    assert np.mean([each.value for each in found]) < 0.15
    assert np.mean([each == Slope() for each in found]) > 0.6
    assert all(0 <= each.value <= 1 and 0 <= each.lowers <= 1 for each in found)
