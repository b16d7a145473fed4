"""Claims that could only stay undecided are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.suite.load import load_suite

Write = Callable[..., Path]
SUITE = """
name: times
times:
  rounds: 2
  rows:
    - {variant: capsnet, config: {routing_iterations: 2}}
    - {variant: capsnet, config: {routing_iterations: 3}}
    - {variant: cnn}
"""


def plan_of(path: Path) -> Plan:
    return make_plan(load_suite(path), Path("nowhere"))


def test_a_claim_about_a_setting_that_is_none(write: Write) -> None:
    claim = (
        "{kind: time_ratio, sentence: x, at_most: 1, of: {variant: cnn}, to: {variant: capsnet, config: {rooting: 3}}}"
    )
    path = write(f"{SUITE}claims: [{claim}]\n")
    with pytest.raises(
        UserError, match=r"claims\.0\.to: variant 'capsnet' has no setting 'rooting': did you mean 'routing"
    ):
        plan_of(path)
    path.write_text(path.read_text().replace("rooting", "routing_iterations"))
    assert len(plan_of(path).claims) == 1
