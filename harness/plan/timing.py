"""Plan the table of times: its rows and their references, and a trial of each in every round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.data.tasks import Identity
from harness.errors import UserError
from harness.plan.key import keyed
from harness.plan.plan import PlannedRow
from harness.plan.rows import ConfiguredRow, checked_config, configured_rows
from harness.plan.trial import TimingTrial, TimingWork
from harness.suite.matching import has_settings
from harness.suite.schema import Row, Suite, TimedRow, TimeTable


def plan_timing(suite: Suite, data: Mapping[str, Identity]) -> tuple[list[PlannedRow], list[TimingTrial]]:
    """Return the rows of the table of times, followed by extra reference rows, and the trials, by rounds.

    Arguments:
        data: what is known of the data of each task.

    Raises:
        UserError: a row or a reference does not fit.
    """
    table = suite.times
    if table is None:
        return [], []
    work = TimingWork(protocol=table.protocol, learning_rate=table.learning_rate, precision=suite.precision)
    timed, references = _with_references(table)
    fields = [row.trial_fields(data[table.task]) for row in timed]
    trials = [keyed(TimingTrial(**each, round=number, work=work)) for number in range(table.rounds) for each in fields]
    return [row.planned(references.get(row.number)) for row in timed], trials


def find_baseline(table: TimeTable | None, rows: Sequence[PlannedRow]) -> int:
    """Return the number of the row that the others are compared with: the first, if the table names none.

    Raises:
        UserError: no row, or more than one, is as the table's `baseline` says.
    """
    if table is None or table.baseline is None:
        return 0
    wanted = table.baseline
    found = [row for row in rows if row.variant == wanted.variant and has_settings(row.config, wanted.config)]
    if not found:
        raise UserError(f"times.baseline: no row is {wanted.variant} with {wanted.config}; name one of the rows.")
    listed = [row for row in found if row.row < len(table.rows)]  # the others are references of rows
    if len(listed) > 1:
        titles = ", ".join(f"'{row.title}'" for row in listed)
        raise UserError(f"times.baseline fits {len(listed)} rows: {titles}; add a setting that only one of them has.")
    return (listed or found)[0].row


def _with_references(table: TimeTable) -> tuple[list[ConfiguredRow], dict[int, int]]:
    """Return the rows of a table followed by extra reference rows, and a map from rows to references, by number."""
    timed = configured_rows(table.rows, table.task, "times")
    known = [(row.variant, row.config) for row in table.rows]
    references = {}
    for number, row in enumerate(table.rows):
        if row.reference is not None:
            wanted = row.variant, {**row.config, **row.reference}
            if wanted not in known:
                known.append(wanted)
                timed.append(_reference(row, len(timed), table.task, f"times.rows.{number}.reference"))
            references[number] = known.index(wanted)
    return timed, references


def _reference(row: TimedRow, number: int, task: str, where: str) -> ConfiguredRow:
    """Return the reference of a row as a row of its own, labelled by the settings in which it differs."""
    settings = row.reference or {}
    config = checked_config(Row(variant=row.variant, config={**row.config, **settings}), task, where)
    label = ", ".join(filter(None, [config.label, *(f"{name}={value}" for name, value in settings.items())]))
    return ConfiguredRow(number, row.variant, config, label, task)
