"""Claims that could only stay undecided are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from tests.harness.plan.plans import TIMES, plan_of

Write = Callable[..., Path]
SUITE = "name: times\n" + TIMES


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
