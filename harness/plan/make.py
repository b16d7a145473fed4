"""Make the plan of a suite: its rows and trials."""

from __future__ import annotations

from pathlib import Path

from harness.data.tasks import Identity, identify
from harness.errors import UserError
from harness.plan.claims import check_claims
from harness.plan.common import with_common_settings
from harness.plan.plan import Plan
from harness.plan.refine import at_fraction
from harness.plan.timing import find_baseline, plan_timing
from harness.plan.training import plan_training
from harness.plan.trial import Trial
from harness.plugins.foreign_code import foreign_code
from harness.suite.load import ResolvedSuite
from harness.suite.protocol import ERROR_TITLE, TIME_TITLE
from harness.suite.schema import Suite


def make_plan(resolved: ResolvedSuite, data: Path) -> Plan:
    """Make the plan of a suite, with what is known of its data before they are fetched.

    With a budget, the fraction of the training protocols stays open; see `harness.plan.refine`.

    Raises:
        UserError: a variant, setting, dataset or kind of claim is unknown or does not fit.
    """
    try:
        return _plan(resolved, data)
    except UserError as error:
        raise UserError(f"{resolved.path}: {error}") from None


def _plan(resolved: ResolvedSuite, data: Path) -> Plan:
    with foreign_code():  # variants and datasets do what the plan asks with code of their own
        suite = with_common_settings(resolved)
        identities = _identities(suite, data)
        errors, training = plan_training(suite, identities)
        times, timing = plan_timing(suite, identities)
    baseline = find_baseline(suite.times, times)
    check_claims(suite.claims, [*errors, *times])
    trials: list[Trial] = [*timing, *training]
    plan = Plan(
        suite=suite.name,
        profile=resolved.profile,
        budget=resolved.budget,
        fraction=None,
        error_title=suite.errors.title if suite.errors is not None else ERROR_TITLE,
        errors=errors,
        time_title=suite.times.title if suite.times is not None else TIME_TITLE,
        times=times,
        baseline=baseline,
        precision=suite.precision,
        trials=list({trial.key: trial for trial in trials}.values()),
        claims=suite.claims,
        families=suite.families,
    )
    return at_fraction(plan, _fraction(resolved))


def _fraction(resolved: ResolvedSuite) -> float | None:
    """Return the fraction of each training protocol; None where a budget leaves it open."""
    if resolved.suite.errors is None:
        return 1.0
    return None if resolved.budget is not None else resolved.fraction or 1.0


def _identities(suite: Suite, data: Path) -> dict[str, Identity]:
    """Return what is known of the data of each task."""
    tasks = dict.fromkeys(suite.errors.tasks if suite.errors is not None else (), "errors")
    if suite.times is not None:
        tasks.setdefault(suite.times.task, "times")
    found = {}
    for task, table in tasks.items():
        try:
            found[task] = identify(task, data)
        except UserError as error:
            raise UserError(f"{table}: {error}") from error
    return found
