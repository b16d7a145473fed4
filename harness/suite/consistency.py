"""Check that the parts of a suite fit together: references to names, seeds of every task, the number of trials."""

from __future__ import annotations

from collections.abc import Collection

from harness.errors import UserError
from harness.registry import nearest
from harness.suite.fields import seeds_on
from harness.suite.schema import ErrorTable, Suite

MOST_TRIALS = 100_000


def check_names(suite: Suite) -> None:
    """Check that every name that is used is defined, that every task has seeds, and that every family is used.

    Raises:
        UserError: a name, seeds or a family does not fit.
    """
    if suite.errors is None and suite.times is None:
        raise UserError("neither 'errors' nor 'times' is there, so there is nothing to run; add one.")
    for number, row in enumerate(suite.errors.rows if suite.errors else []):
        _check_name(f"errors.rows.{number}.protocol", "protocol", row.protocol, suite.protocols)
    for name, profile in suite.profiles.items():
        for changed in profile.protocols:
            _check_name(f"profiles.{name}.protocols", "protocol", changed, suite.protocols)
    _check_families(suite)
    if suite.errors is not None:
        _check_seeds(suite, suite.errors)


def _check_name(where: str, kind: str, name: str, known: Collection[str], advice: str = "") -> None:
    if name not in known:
        raise UserError(f"{where}: unknown {kind} '{name}': {nearest(name, known)}{advice}.")


def _check_families(suite: Suite) -> None:
    named = set()
    for number, claim in enumerate(suite.claims):
        if claim.family is not None:
            _check_name(f"claims.{number}.family", "family", claim.family, suite.families, "; or list it in 'families'")
            named.add(claim.family)
    for name in suite.families:
        if name not in named:
            raise UserError(f"families.{name}: no claim names this family; name it in one or remove it.")


def _check_seeds(suite: Suite, table: ErrorTable) -> None:
    """Refuse seeds of tasks that are not in the table, and seeds of the table that leave out one of its tasks."""
    tasks = dict.fromkeys(table.tasks)
    found = {"errors.seeds": table.seeds}
    found |= {f"errors.rows.{n}.seeds": row.seeds for n, row in enumerate(table.rows) if row.seeds is not None}
    found |= {f"profiles.{n}.seeds": each.seeds for n, each in suite.profiles.items() if each.seeds is not None}
    for where, seeds in found.items():
        if not isinstance(seeds, dict):
            continue
        for task in seeds:
            _check_name(where, "task", task, tasks)
        if where.startswith("errors.rows."):  # what it leaves out is the table's
            continue
        for task in tasks:
            if task not in seeds:
                raise UserError(f"{where}: the task '{task}' has none; name every task, or write one list for all.")


def check_trials(suite: Suite, profile: str | None) -> None:
    """Refuse a suite whose plan would take hours to make.

    Raises:
        UserError: the suite has more than `MOST_TRIALS` trials.
    """
    errors, times = suite.errors, suite.times
    trials = _trained(errors) if errors is not None else 0
    if times is not None:
        references = sum(row.reference is not None for row in times.rows)
        trials += (len(times.rows) + references) * times.rounds
    if trials > MOST_TRIALS:
        where = f"profiles.{profile}: " if profile is not None else ""
        raise UserError(
            f"{where}rows, tasks, seeds and rounds come to {trials:,} trials; {MOST_TRIALS:,} are the most "
            f"of one suite: split it."
        )


def _trained(table: ErrorTable) -> int:
    """Return the number of trials of a table of errors, without listing them."""
    counts = {task: len(seeds_on(task, table.seeds) or ()) for task in table.tasks}
    usual = sum(counts.values())
    trials = 0
    for row in table.rows:
        if isinstance(row.seeds, dict):
            trials += usual + sum(len(seeds) - counts[task] for task, seeds in row.seeds.items())
        else:
            trials += usual if row.seeds is None else len(row.seeds) * len(counts)
    return trials
