"""Rows of the table of times: rounds, references, and the baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from tests.harness.plan.plans import TIMES, plan_of

Write = Callable[..., Path]
SUITE = "name: times\n" + TIMES
REFERENCES = """
name: speed
config: {convolution: fast}
times:
  rounds: 2
  rows:
    - {variant: cnn, reference: {convolution: direct}}
    - {variant: capsnet, reference: {convolution: direct, routing: reference}}
    - {variant: capsnet, config: {gradients: last}, reference: {convolution: direct}}
    - {variant: capsnet, config: {gradients: last, convolution: direct}}
"""


def test_rounds_and_rows_are_listed_in_plain_order(write: Write) -> None:
    trials = plan_of(write(SUITE)).timing
    assert [(trial.round, trial.row) for trial in trials] == [(number, row) for number in range(2) for row in range(3)]


def test_a_baseline_that_several_rows_have(write: Write) -> None:
    named = SUITE.replace("rounds: 2", "baseline: {variant: capsnet}")
    with pytest.raises(UserError, match=r"times\.baseline fits \d rows: 'capsnet r=\d', .*add a setting"):
        plan_of(write(named))


def test_the_baseline_is_found_by_what_it_names(write: Write) -> None:
    assert plan_of(write(SUITE)).baseline == 0
    named = SUITE.replace("rounds: 2", "baseline: {variant: capsnet, config: {routing_iterations: 3}}")
    assert plan_of(write(named)).baseline == 1


def test_references_are_timed_once_and_named_by_what_they_change(write: Write) -> None:
    plan = plan_of(write(REFERENCES))
    assert [(row.variant, row.label, row.reference) for row in plan.times] == [
        ("cnn", "", 4),
        ("capsnet", "r=3", 5),
        ("capsnet", "r=3, last-pass gradients, convolution=fast", 3),  # a row of its own
        ("capsnet", "r=3, last-pass gradients, convolution=direct", None),
        ("cnn", "convolution=direct", None),
        ("capsnet", "r=3, convolution=direct, routing=reference", None),
    ]
    assert plan.times[4].config["convolution"] == "direct"
    assert plan.times[5].config["routing"] == "reference"
    assert len(plan.trials) == 2 * 6


def test_a_reference_that_does_not_fit_is_refused(write: Write) -> None:
    path = write(REFERENCES.replace("routing: reference", "routing: fancy"))
    with pytest.raises(UserError, match=r"times\.rows\.1\.reference: .*routing"):
        plan_of(path)


def test_rows_that_name_the_same_reference_share_it(write: Write) -> None:
    first = "- {variant: cnn, config: {dropout: 0}, reference: {dropout: 0.2}}"
    second = "- {variant: cnn, reference: {dropout: 0.2}}"
    plan = plan_of(write(SUITE.replace("- {variant: cnn}", f"{first}\n    {second}")))
    assert [row.reference for row in plan.times] == [None, None, 4, 4, None]
    assert plan.times[4].config["dropout"] == 0.2
