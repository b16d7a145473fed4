"""A suite expanded to rows and trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from typing import Any

from pydantic import Field

from harness.errors import UserError
from harness.plan.trial import TimingTrial, TrainingTrial, Trial, row_title
from harness.suite.claims import Claim
from harness.suite.protocol import ERROR_TITLE, TIME_TITLE, Precision, Settings


class PlannedRow(Settings):
    """A row of a table on a task, with every setting of its variant."""

    row: int
    variant: str
    label: str
    config: dict[str, Any]
    task: str
    reference: int | None = None  # the row of the table that it is compared with, besides the baseline

    @property
    def title(self) -> str:
        """The variant and what sets its configuration apart."""
        return row_title(self.variant, self.label)


class Plan(Settings):
    """All rows and trials of a suite under a profile and a fraction; each run decides the order of the trials."""

    suite: str
    profile: str | None
    budget: float | None  # seconds
    fraction: float | None  # of every training protocol; None until a budget has been calibrated
    error_title: str = ERROR_TITLE
    errors: list[PlannedRow]
    time_title: str = TIME_TITLE
    times: list[PlannedRow]
    baseline: int  # the row of the table of times that the others are compared with
    precision: Precision
    trials: list[Trial]
    claims: list[Claim] = Field(default_factory=list)
    families: dict[str, str] = Field(default_factory=dict)  # of claims: the name of each, and what it holds

    @property
    def training(self) -> list[TrainingTrial]:
        """The trials of the table of errors."""
        return [trial for trial in self.trials if trial.kind == "training"]

    @property
    def timing(self) -> list[TimingTrial]:
        """The trials of the table of times."""
        return [trial for trial in self.trials if trial.kind == "timing"]

    def names(self, pattern: str | None = None) -> frozenset[str]:
        """Return the names of all trials, or of those that match a pattern such as `*seed 0`.

        Raises:
            UserError: no name matches.
        """
        names = [trial.name for trial in self.trials]
        found = frozenset(name for name in names if pattern is None or fnmatch(name, pattern))
        if pattern is not None and not found:
            listed = ", ".join(names[:3])
            raise UserError(f"--only {pattern}: no trial has such a name; names are like: {listed}.")
        return found


def with_tests(plan: Plan, recorded: Mapping[str, Iterable[str]]) -> Plan:
    """Add the names of tests to a plan that was recorded without them, from those that were measured.

    The test that is named after the task, or else the shortest name, comes first, as in the tables of that time.

    Arguments:
        recorded: the names of the tests of recorded trials, by key.
    """
    found: dict[str, set[str]] = {}
    for trial in plan.training:
        found.setdefault(trial.task, set()).update(recorded.get(trial.key, ()))

    def tests(trial: TrainingTrial) -> tuple[str, ...]:
        known = sorted(found[trial.task], key=lambda name: (not name.startswith(trial.task), len(name), name))
        return trial.tests or tuple(known) or (trial.task,)

    changed = [t.model_copy(update={"tests": tests(t)}) if t.kind == "training" else t for t in plan.trials]
    return plan.model_copy(update={"trials": changed})


def count(statuses: Iterable[str]) -> dict[str, int]:
    """Count the occurrences of each status."""
    counts: dict[str, int] = {}
    for status in statuses:
        counts[status] = counts.get(status, 0) + 1
    return counts
