"""What tests of the plan share."""

from __future__ import annotations

from pathlib import Path

from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.plan.refine import at_fraction
from harness.suite.load import load_suite

TIMES = """\
times:
  rounds: 2
  rows:
    - {variant: capsnet, config: {routing_iterations: 2}}
    - {variant: capsnet, config: {routing_iterations: 3}}
    - {variant: cnn}
"""


def plan_of(path: Path, profile: str | None = None, budget: str | None = None, fraction: float | None = None) -> Plan:
    """The plan of a suite whose data are not there; `fraction` is what a budget was calibrated to."""
    return at_fraction(make_plan(load_suite(path, profile, budget), Path("nowhere")), fraction)
