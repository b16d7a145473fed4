"""The fraction of a protocol that fits into a budget."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.plan.budget import FEWEST, Cost, fit_fraction, iterations_at, makespan
from harness.plan.trial import TrainingWork
from harness.suite.protocol import Protocol

IMAGES = 1000


def work(full: int, batch_size: int = 10) -> TrainingWork:
    protocol = Protocol(batch_size=batch_size, epochs=1, learning_rate=0.1)
    return TrainingWork(protocol=protocol, full_iterations=full, iterations=None, train_images=IMAGES, test_images=None)


def in_order(durations: list[float], slots: int) -> float:
    """When the last job ends if each free worker takes the next one; time step by step."""
    free_at = [0.0] * slots
    for duration in durations:
        first = min(range(slots), key=lambda slot: free_at[slot])
        free_at[first] += duration
    return max(free_at)


def best(durations: list[float], slots: int) -> float:
    """The earliest end that any assignment of jobs to workers has."""
    ends = []
    for assignment in itertools.product(range(slots), repeat=len(durations)):
        loads = [0.0] * slots
        for duration, slot in zip(durations, assignment, strict=True):
            loads[slot] += duration
        ends.append(max(loads))
    return min(ends)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 30).map(float), min_size=1, max_size=6), st.integers(1, 3))
def test_makespan_is_that_of_jobs_that_start_in_turn(durations: list[float], slots: int) -> None:
    found = makespan(durations, slots)
    assert found == in_order(durations, slots)
    optimum = best(durations, slots)
    assert optimum <= found <= (2 - 1 / slots) * optimum + 1e-9  # Graham's bounds
    longest_first = makespan(sorted(durations, reverse=True), slots)
    assert optimum <= longest_first <= (4 / 3 - 1 / (3 * slots)) * optimum + 1e-9


def test_makespan_of_nothing() -> None:
    assert makespan([], 2) == 0


def seconds_of(full: int, cost: Cost, fraction: float, batch_size: int = 10) -> float:
    """What a trial takes: its start, its iterations, a test after each whole epoch, and one at least."""
    iterations = max(1, round(fraction * full))
    tests = max(1, iterations * batch_size // IMAGES)
    return cost.setup + iterations * cost.iteration + tests * cost.evaluation


WORKS = [work(400), work(1000), work(250)]
COSTS = [Cost(1, 0.02, 0.5), Cost(2, 0.01, 0.5), Cost(1, 0.05, 1)]
FIRST = [0, 0, 0]  # one seed of each row


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("budget", [9.0, 12.0, 15.0, 20.0, 30.0])
def test_the_largest_fraction_that_fits(slots: int, budget: float) -> None:
    fraction = fit_fraction(WORKS, COSTS, FIRST, slots, budget)

    def total(part: float) -> float:
        durations = [seconds_of(w.full_iterations, c, part) for w, c in zip(WORKS, COSTS, strict=True)]
        return in_order(sorted(durations, reverse=True), slots)

    assert 0 < fraction <= 1
    assert total(fraction) <= budget
    if fraction < 1:
        assert total(fraction + 1 / 200) > budget  # one iteration more of the shortest would not fit


def seed_after_seed(rows: list[tuple[TrainingWork, Cost, int]], slots: int, fraction: float) -> float:
    """When the last trial of rows of so many seeds ends: all first seeds, the longest first, then the second ones."""
    queue = []
    for place in range(max(seeds for _, _, seeds in rows)):
        waiting = [(w, c) for w, c, seeds in rows if seeds > place]
        queue += sorted((seconds_of(w.full_iterations, c, fraction) for w, c in waiting), reverse=True)
    return in_order(queue, slots)


def by_trial(
    rows: list[tuple[TrainingWork, Cost, int]],
) -> tuple[tuple[TrainingWork, ...], tuple[Cost, ...], tuple[int, ...]]:
    """The works, costs and places of all trials of some rows."""
    works, costs, places = zip(*[(w, c, place) for w, c, seeds in rows for place in range(seeds)], strict=True)
    return works, costs, places


def test_what_comes_late_in_turn_is_counted() -> None:
    rows = [(work(1000), Cost(0, 4, 0), 2), (work(1000), Cost(0, 2, 0), 1), (work(1000), Cost(0, 2, 0), 1)]
    assert seed_after_seed(rows, 3, 1) == 6000  # the longest first over all seeds would end at 4000
    assert fit_fraction(*by_trial(rows), 3, 6000) == 1
    assert fit_fraction(*by_trial(rows), 3, 4000) == pytest.approx(4 / 6, abs=1 / 1000)


COST = st.builds(Cost, st.floats(0, 20), st.floats(0.001, 1), st.floats(0, 5))
ROW = st.tuples(st.integers(FEWEST, 2000).map(work), COST, st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=5), st.integers(1, 4), st.floats(0, 1))
def test_no_fraction_takes_longer_than_there_is_time(
    rows: list[tuple[TrainingWork, Cost, int]], slots: int, share: float
) -> None:
    least = min(1.0, FEWEST / min(w.full_iterations for w, _, _ in rows))
    shortest, longest = seed_after_seed(rows, slots, least), seed_after_seed(rows, slots, 1)
    budget = shortest + share * max(0.0, longest - shortest)
    fraction = fit_fraction(*by_trial(rows), slots, budget * (1 + 1e-12))
    assert seed_after_seed(rows, slots, fraction) <= budget * (1 + 1e-9)


def test_more_time_never_gives_less() -> None:
    fractions = [fit_fraction(WORKS, COSTS, FIRST, 2, 8 + step / 4) for step in range(80)]
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.5
    assert fractions[-1] == 1


def test_every_trial_gets_the_same_share() -> None:
    fraction = fit_fraction(WORKS, COSTS, FIRST, 1, 15)
    for each in WORKS:
        done = iterations_at(each, fraction)
        assert abs(done / each.full_iterations - fraction) <= 0.5 / each.full_iterations


def test_enough_time_is_the_whole_protocol() -> None:
    assert fit_fraction(WORKS, COSTS, FIRST, 1, 10**6) == 1


def test_a_protocol_shorter_than_the_fewest_iterations() -> None:
    assert fit_fraction([work(FEWEST // 2)], [Cost(0, 1, 0)], [0], 1, FEWEST) == 1


def test_too_little_time() -> None:
    with pytest.raises(UserError) as caught:
        fit_fraction(WORKS, COSTS, FIRST, 1, 3)
    message = str(caught.value)
    assert f"{FEWEST} iterations" in message
    assert "3 s" in message
    assert "--budget" in message


def test_no_time_at_all() -> None:
    with pytest.raises(UserError, match="leaves 0 s"):
        fit_fraction(WORKS, COSTS, FIRST, 1, -20)
