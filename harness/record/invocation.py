"""An invocation as it is recorded: what one `run` of a suite was asked to do, and by which code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.plan.plan import Plan
from harness.suite.published import Published


@dataclass(frozen=True)
class Invocation:
    """One `run` of a suite.

    run_id: of its run in MLflow.
    published: the published numbers that its tables show.
    command: as the user gave it, without passwords.
    suite_file: the text of the suite's file; empty if it was not kept.
    code: facts about the code that made the plan, by name.
    overhead: what the harness itself took, in seconds and shares, in the newest invocation of the same profile that ran
        a trial; empty if there is none.
    """

    run_id: str
    plan: Plan
    published: list[Published]
    command: str
    suite_file: str
    code: Mapping[str, str]
    overhead: Mapping[str, float]
