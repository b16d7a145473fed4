"""Rows: the labels that tell them apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from tests.harness.plan.plans import TIMES, plan_of

Write = Callable[..., Path]
SUITE = (
    """
name: rows
protocols:
  short: {batch_size: 50, epochs: 2, learning_rate: 0.001}
  long: {batch_size: 100, epochs: 8, learning_rate: 0.001}
errors:
  tasks: [mnist]
  seeds: [0, 1]
  rows:
    - {variant: cnn, config: {width: 8}, protocol: short}
    - {variant: capsnet, config: {routing_iterations: 2, width: 8}, protocol: short}
"""
    + TIMES
)


def test_rows_that_differ_in_what_their_label_leaves_out_are_told_apart(write: Write) -> None:
    text = SUITE.replace(
        "- {variant: cnn, config: {width: 8}",
        "- {variant: cnn, config: {width: 4}, protocol: short}\n    - {variant: cnn, config: {width: 8}",
    )
    assert [row.label for row in plan_of(write(text)).errors] == ["width=4", "width=8", "r=2"]
    protocols = SUITE.replace(
        "- {variant: cnn, config", "- {variant: cnn, config: {width: 8}, protocol: long}\n    - {variant: cnn, config"
    )
    plan = plan_of(write(protocols))
    assert [row.label for row in plan.errors] == ["protocol=long", "protocol=short", "r=2"]
    assert len({trial.name for trial in plan.trials}) == len(plan.trials)


def test_the_same_row_twice(write: Write) -> None:
    twice = SUITE.replace("- {variant: cnn}", "- {variant: cnn}\n    - {variant: cnn, config: {dropout: 0.5}}")
    with pytest.raises(UserError, match=r"times\.rows\.3 is the same as times\.rows\.2; remove one of them"):
        plan_of(write(twice))
