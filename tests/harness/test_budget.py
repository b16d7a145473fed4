"""The fraction of a protocol that fits into a budget."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.budget import FEWEST, Cost, fit_fraction, iterations_at, makespan
from harness.errors import UserError
from harness.protocol import Protocol
from harness.trial import TrainingWork

IMAGES = 1000


def work(full: int, batch_size: int = 10) -> TrainingWork:
    protocol = Protocol(batch_size=batch_size, epochs=1, learning_rate=0.1)
    return TrainingWork(protocol=protocol, full_iterations=full, iterations=None, train_images=IMAGES, test_images=None)


def in_order(durations: list[float], slots: int) -> float:
    """When the last job ends if each free worker takes the next, the longest first; time step by step."""
    waiting, free_at = sorted(durations, reverse=True), [0.0] * slots
    for duration in waiting:
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
def test_makespan_is_that_of_longest_first(durations: list[float], slots: int) -> None:
    found = makespan(durations, slots)
    assert found == in_order(durations, slots)
    optimum = best(durations, slots)
    assert optimum <= found <= (4 / 3 - 1 / (3 * slots)) * optimum + 1e-9  # Graham's bound


def test_makespan_of_nothing() -> None:
    assert makespan([], 2) == 0


def seconds_of(full: int, cost: Cost, fraction: float, batch_size: int = 10) -> float:
    """What a trial takes: its start, its iterations, a test after each whole epoch, and one at least."""
    iterations = max(1, round(fraction * full))
    tests = max(1, iterations * batch_size // IMAGES)
    return cost.setup + iterations * cost.iteration + tests * cost.evaluation


WORKS = [work(400), work(1000), work(250)]
COSTS = [Cost(1, 0.02, 0.5), Cost(2, 0.01, 0.5), Cost(1, 0.05, 1)]


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("budget", [9.0, 12.0, 15.0, 20.0, 30.0])
def test_the_largest_fraction_that_fits(slots: int, budget: float) -> None:
    fraction = fit_fraction(WORKS, COSTS, slots, budget)

    def total(part: float) -> float:
        return in_order([seconds_of(w.full_iterations, c, part) for w, c in zip(WORKS, COSTS, strict=True)], slots)

    assert 0 < fraction <= 1
    assert total(fraction) <= budget
    if fraction < 1:
        assert total(fraction + 1 / 200) > budget  # one iteration more of the shortest would not fit


def test_more_time_never_gives_less() -> None:
    fractions = [fit_fraction(WORKS, COSTS, 2, 8 + step / 4) for step in range(80)]
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.5
    assert fractions[-1] == 1


def test_every_trial_gets_the_same_share() -> None:
    fraction = fit_fraction(WORKS, COSTS, 1, 15)
    for each in WORKS:
        done = iterations_at(each, fraction)
        assert abs(done / each.full_iterations - fraction) <= 0.5 / each.full_iterations


def test_enough_time_is_the_whole_protocol() -> None:
    assert fit_fraction(WORKS, COSTS, 1, 10**6) == 1


def test_a_protocol_shorter_than_the_fewest_iterations() -> None:
    assert fit_fraction([work(FEWEST // 2)], [Cost(0, 1, 0)], 1, FEWEST) == 1


def test_too_little_time() -> None:
    with pytest.raises(UserError) as caught:
        fit_fraction(WORKS, COSTS, 1, 3)
    message = str(caught.value)
    assert f"{FEWEST} iterations" in message
    assert "3 s" in message
    assert "--budget" in message


def test_no_time_at_all() -> None:
    with pytest.raises(UserError, match="leaves 0 s"):
        fit_fraction(WORKS, COSTS, 1, -20)
