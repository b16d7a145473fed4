"""Settings that a suite or its profile gives to all rows whose variants have them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from harness.errors import UserError
from harness.plan.settings import FROM_TASK
from harness.registry import nearest
from harness.suite.load import ResolvedSuite
from harness.suite.schema import Row, Suite
from variants import VARIANTS


def with_common_settings(resolved: ResolvedSuite) -> Suite:
    """Merge common settings into every row: a row's own override the suite's, and the profile's override both.

    Raises:
        UserError: no row's variant has a setting, or the task decides it.
    """
    suite = resolved.suite
    under = suite.config
    over = suite.profiles[resolved.profile].config if resolved.profile is not None else {}
    rows = _rows(suite)
    _check("config", under, rows)
    _check(f"profiles.{resolved.profile}.config", over, rows)

    def told(row: Row) -> Row:
        names = _settings_of(row)
        first, last = ({name: value for name, value in each.items() if name in names} for each in (under, over))
        return row.model_copy(update={"config": {**first, **row.config, **last}})

    update: dict[str, Any] = {}
    if suite.errors is not None:
        update["errors"] = suite.errors.model_copy(update={"rows": [told(row) for row in suite.errors.rows]})
    if suite.times is not None:
        times: dict[str, Any] = {"rows": [told(row) for row in suite.times.rows]}
        if suite.times.baseline is not None:
            times["baseline"] = told(suite.times.baseline)
        update["times"] = suite.times.model_copy(update=times)
    return suite.model_copy(update=update)


def _rows(suite: Suite) -> list[Row]:
    return [*(suite.errors.rows if suite.errors else []), *(suite.times.rows if suite.times else [])]


def _settings_of(row: Row) -> Collection[str]:
    """Return the names of the settings of a row's variant; none if the variant is unknown."""
    return VARIANTS.get(row.variant).Config.model_fields if row.variant in VARIANTS else ()


def _check(where: str, config: dict[str, Any], rows: Sequence[Row]) -> None:
    known = {name for row in rows for name in _settings_of(row)}
    for name in config:
        if name in FROM_TASK:
            raise UserError(f"{where}: '{name}' comes from the tasks; leave it out.")
        # an unknown variant may have it, and is refused with its row
        if name not in known and all(row.variant in VARIANTS for row in rows):
            raise UserError(f"{where}: no row's variant has a setting '{name}': {nearest(name, known - FROM_TASK)}.")
