"""How often each procedure finds what is not true, and what is, in runs made up at random.

Rates may lie above the nominal ones by what chance adds in so few runs; `simulation.py` gives them at full size. A
procedure that never finds anything has no false findings either: so some of what is true must be found.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.statistics.estimate import LEVEL
from tests.harness.report.simulations import capsules, errors, times, twice
from tests.harness.report.simulations.chances import Mean, least, most, simulate
from tests.harness.report.simulations.errors import (
    claimed_of_errors,
    compared,
    each_asked,
    mean_claimed,
    measured,
    shown,
    study,
    valued,
)
from tests.harness.report.simulations.machines import Fixed, Machine
from tests.harness.report.simulations.mistakes import Method

IMAGES = 1000
SIDE = LEVEL / 2  # of one word, where either may be said
STEADY, ROUNDS, DRIFT, SKEWED = Machine(), Machine(rounds=0.1, places=0.03), Machine(drift=1.5), Machine(skewed=True)


def is_rare(found: Mean, nominal: float = LEVEL) -> bool:
    """Whether it happens no more often than nominally, but for chance."""
    return found.value <= most(nominal, found.runs)


def is_held(found: Mean) -> bool:
    """Whether intervals of 95% hold the truth as often, but for chance."""
    return found.value >= least(1 - LEVEL, found.runs)


@pytest.mark.parametrize("seeds", [2, 3, 6, 10])
@pytest.mark.parametrize(("sd", "own"), [(0.0, 0.0), (1.0, 0.5)])
def test_equal_rows_are_rarely_told_apart(seeds: int, sd: float, own: float) -> None:
    """With other seeds and other images in each run, of which each row finds a share hard by itself."""
    each = Method(sd=sd, seeds=seeds)
    found = simulate(compared(each, each, IMAGES, own), 120)
    assert is_rare(found["found"])
    assert is_held(found["held"])


@pytest.mark.parametrize("seeds", [(18, 6), (2, 6)])
@pytest.mark.parametrize("sds", [(0.5, 2.0), (2.0, 0.5)])
def test_rows_may_differ_in_seeds_and_in_the_spread_between_them(
    seeds: tuple[int, int], sds: tuple[float, float]
) -> None:
    first, second = (Method(sd=sd, seeds=n) for sd, n in zip(sds, seeds, strict=True))
    found = simulate(compared(first, second, IMAGES), 120)
    assert is_rare(found["found"], 0.07)  # what Welch's test is known to allow itself with few of the wider side
    assert found["held"].value >= least(0.93, 120)


@pytest.mark.parametrize("seeds", [2, 6])
@pytest.mark.parametrize("sd", [0.0, 1.0])
def test_the_interval_of_a_row_holds_the_methods_error(seeds: int, sd: float) -> None:
    assert is_held(simulate(measured(Method(sd=sd, seeds=seeds), IMAGES), 120)["held"])


def test_images_alone_tell_apart_methods_that_are_equal() -> None:
    """Of models, which do differ: so that they are no answer about methods."""
    equal = Method(sd=1.0, seeds=3)
    found = simulate(compared(equal, equal, 5 * IMAGES), 100)
    assert found["images"].value > 0.3
    assert found["mcnemar"].value > 0.3
    assert is_rare(found["found"])


def test_the_smallest_p_values_are_as_rare_as_they_say() -> None:
    """Of two seeds, where the images' part of the variance is not there: at a level of a seventh, for seven rows."""
    found = simulate(twice.errors(2, 0.0, IMAGES), 120)
    assert is_rare(found["any"])


def test_three_seeds_show_three_points() -> None:
    found = simulate(compared(Method(9.5), Method(), 10_000), 100)
    assert found["better"].value > 0.85
    assert is_held(found["held"])


def test_what_is_told_to_be_shown_is_shown_four_times_in_five() -> None:
    assert 0.68 <= shown(6, 1.0, IMAGES, 120)["shown"] <= 0.92


SIX, LOST, ONE_LEFT = [6] * 6, [6] * 5 + [5], [6] * 5 + [1]


@pytest.mark.parametrize(
    ("seeds", "sd", "other", "error", "by"),
    [
        (SIX, 0.5, Method(sd=2.0, seeds=18), 12.5, 0.0),
        (LOST, 2.0, Method(sd=0.5, seeds=6), 12.5, 0.0),
        (ONE_LEFT, 0.5, Method(sd=2.0, seeds=6), 12.5, 0.0),
        (SIX, 1.0, Method(sd=1.0, seeds=6), 8.5, 4.0),  # four points lower, which is claimed
    ],
)
def test_means_on_the_edge_are_rarely_decided(
    seeds: Sequence[int], sd: float, other: Method, error: float, by: float
) -> None:
    ladder = [Method(error, sd, n) for n in seeds]
    found = simulate(mean_claimed(ladder, other, IMAGES, by), 100)
    assert is_rare(found["reproduced"], SIDE)
    assert is_rare(found["contradicted"], SIDE)
    assert is_held(found["held"])


@pytest.mark.parametrize("sd", [0.0, 1.0])
def test_a_claim_on_each_row_needs_all_of_them(sd: float) -> None:
    equal, lower = Method(sd=sd, seeds=4), Method(4.5, sd, 4)
    one_is_equal = simulate(claimed_of_errors([errors.EACH], [lower] * 5 + [equal], [equal], IMAGES), 100)
    assert is_rare(one_is_equal["reproduced"], SIDE)
    all_are = simulate(claimed_of_errors([errors.EACH], [equal] * 6, [equal], IMAGES), 100)
    assert is_rare(all_are["contradicted"])
    assert is_rare(all_are["reproduced"], SIDE)
    none_is = simulate(claimed_of_errors([errors.EACH], [lower] * 6, [equal], IMAGES), 30)
    assert none_is["reproduced"].value > 0.9


def test_the_lowest_of_equal_rows_is_rarely_decided() -> None:
    found = simulate(claimed_of_errors([errors.LOWEST], [Method(seeds=4)] * 4, [], IMAGES), 120)
    assert is_rare(found["decided"])


def test_each_row_is_asked_once_the_mean_is_shown() -> None:
    """Five of six rows are lower: so is the mean, and not each row."""
    equal, lower = Method(seeds=4), Method(7.5, seeds=4)
    found = simulate(each_asked([lower] * 5 + [equal], equal, IMAGES), 100)
    assert found["mean"].value > 0.9
    assert is_rare(found["each"], SIDE)


@pytest.mark.parametrize("seeds", [2, 6])
def test_a_family_of_claims_seldom_has_a_false_finding(seeds: int) -> None:
    each = Method(seeds=seeds)
    assert is_rare(simulate(claimed_of_errors(errors.FAMILY, [each] * 6, [each] * 2, IMAGES), 120)["decided"])


def test_a_study_of_six_seeds_shows_three_points_in_a_family_of_three_claims() -> None:
    found = simulate(study(Method(9.5, 0.5, 6), Method(12.5, 0.5, 6), 10_000, claims=3), 25)
    assert found["mean"].value == 1
    assert found["strict"].value > 0.8


@pytest.mark.parametrize("rounds", [3, 6])
@pytest.mark.parametrize("machine", [STEADY, ROUNDS, DRIFT, SKEWED])
def test_the_interval_of_a_ratio_holds_it(rounds: int, machine: Machine) -> None:
    """Whatever the machine does, and of whatever use the fixed model is; with it, it is hardly wider."""
    without = simulate(times.rated(rounds, machine, None), 150)
    assert is_held(without["held"])
    for fixed in (Fixed(), Fixed(noise=0.15), Fixed(noise=0.05, feels=False)):
        with_it = simulate(times.rated(rounds, machine, fixed), 150)
        assert is_held(with_it["held"])
        assert with_it["half"].value < 1.1 * without["half"].value


@pytest.mark.parametrize("rows", [2, 3])
def test_a_fixed_model_beside_few_rows_makes_no_interval_too_narrow(rows: int) -> None:
    for fixed in (Fixed(), Fixed(noise=0.05, feels=False)):
        assert is_held(simulate(times.rated(4, ROUNDS, fixed, rows), 300)["held"])


def test_a_good_fixed_model_makes_intervals_narrower() -> None:
    with_it, without = (simulate(times.rated(6, ROUNDS, each), 200)["half"].value for each in (Fixed(), None))
    assert with_it < 0.85 * without


@pytest.mark.parametrize("rounds", [3, 6])
def test_a_ratio_on_its_bound_is_rarely_decided(rounds: int) -> None:
    for machine in (STEADY, ROUNDS, DRIFT):
        found = simulate(times.bounded(rounds, machine, at_most=times.RATIO), 120)
        assert is_rare(found["reproduced"], SIDE)
        assert is_rare(found["contradicted"], SIDE)
    six = simulate(times.bounded(rounds, ROUNDS, of=6, at_least=times.RATIO, at_most=1.8), 100)
    assert is_rare(six["reproduced"], SIDE)
    assert is_rare(six["contradicted"])


def test_a_ratio_that_is_well_inside_is_shown() -> None:
    assert simulate(times.bounded(6, STEADY, at_most=1.2 * times.RATIO), 100)["reproduced"].value > 0.9


@pytest.mark.parametrize(("percent", "within", "sd"), [(12.5, 2.0, 1.0), (0.39, 0.2, 0.06)])
def test_a_value_on_the_edge_is_rarely_decided(percent: float, within: float, sd: float) -> None:
    for seeds in (3, 6):
        edge = simulate(valued(Method(percent + within, sd, seeds), percent, within, 5 * IMAGES), 100)
        assert is_rare(edge["reproduced"])
        assert is_rare(edge["contradicted"], SIDE)
    assert simulate(valued(Method(percent + within, sd, 2), percent, within, IMAGES), 30)["decided"].value == 0
    assert simulate(valued(Method(percent, sd, 12), percent, within, 5 * IMAGES), 50)["reproduced"].value > 0.9


@pytest.mark.parametrize("seeds", [(3, 3), (4, 4), (6, 6), (3, 9)])
def test_equal_clarity_is_rarely_told_apart(seeds: tuple[int, int]) -> None:
    """Three against three never: by chance one of ten."""
    found = simulate(capsules.separated(*seeds), 120)
    assert is_rare(found["decided"]) if max(seeds) > 3 else found["decided"].value == 0


@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_couplings_that_follow_nothing_are_rarely_called_correlated(seeds: int) -> None:
    """A test that took neighbours for independent would decide three in four of them."""
    found = simulate(capsules.coupled(seeds), 100)
    assert is_rare(found["decided"]) if seeds > 2 else found["decided"].value == 0


def test_couplings_that_follow_activities_are_called_correlated() -> None:
    assert simulate(capsules.coupled(6, follows=0.5), 50)["reproduced"].value > 0.9


@pytest.mark.parametrize("rounds", [3, 6])
@pytest.mark.parametrize("machine", [STEADY, ROUNDS])
def test_two_equal_runs_seldom_differ_in_any_time(rounds: int, machine: Machine) -> None:
    """Seven rows, on days on which the machine is not the same."""
    found = simulate(twice.times(rounds, machine, Fixed()), 100)
    assert is_rare(found["any"])
    assert is_rare(found["regressions"])


@pytest.mark.parametrize("seeds", [2, 6])
def test_two_equal_runs_seldom_differ_in_any_error(seeds: int) -> None:
    found = simulate(twice.errors(seeds, 0.5, IMAGES), 100)
    assert is_rare(found["any"])
    assert is_rare(found["regressions"])


def test_two_runs_that_differ() -> None:
    assert simulate(twice.times(6, STEADY, Fixed(), change=0.15), 50)["first"].value > 0.9
    assert simulate(twice.errors(6, 0.5, IMAGES, change=4.0), 30)["first"].value > 0.9
