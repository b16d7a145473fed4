"""The rows of a table on a task: their complete configurations, and labels that tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.data import DATASETS
from harness.data.tasks import Identity
from harness.errors import UserError
from harness.plan.plan import PlannedRow
from harness.plan.settings import FROM_TASK, plain_settings
from harness.suite.schema import Row, TrainedRow
from variants import VARIANTS, configure
from variants.contract import Config


@dataclass(frozen=True)
class ConfiguredRow:
    """A row of a table on a task, with every setting of its variant and a label that no other row of it has."""

    number: int  # in its table
    variant: str
    config: Config
    label: str
    task: str

    def planned(self, reference: int | None = None) -> PlannedRow:
        """Return the row as a plan keeps it.

        Arguments:
            reference: the number of the row that it is compared with, besides the baseline.
        """
        return PlannedRow(
            row=self.number,
            variant=self.variant,
            label=self.label,
            config=chosen_settings(self.variant, self.config),
            task=self.task,
            reference=reference,
        )

    def trial_fields(self, data: Identity) -> dict[str, Any]:
        """Return the fields that all trials of the row have in common; the key is still empty."""
        return {
            "key": "",
            "row": self.number,
            "variant": self.variant,
            "label": self.label,
            "config": plain_settings(self.variant, self.config),
            "task": self.task,
            "source": VARIANTS.source_digest(self.variant),
            "data": data.digest,
            "data_source": DATASETS.source_digest(self.task),
        }


def configured_rows(rows: Sequence[Row], task: str, table: str) -> list[ConfiguredRow]:
    """Complete the configurations of a table's rows on a task, and label the rows.

    Arguments:
        table: the key of the table in the suite.

    Raises:
        UserError: a variant or a setting is unknown, a value does not fit, or a row is there twice.
    """
    configs = [checked_config(row, task, f"{table}.rows.{number}") for number, row in enumerate(rows)]
    facts = [_facts(row, config) for row, config in zip(rows, configs, strict=True)]
    found = []
    for number, (row, config) in enumerate(zip(rows, configs, strict=True)):
        twins = [n for n in range(len(rows)) if (rows[n].variant, configs[n].label) == (row.variant, config.label)]
        same = next((n for n in twins if n < number and facts[n] == facts[number]), None)
        if same is not None:
            raise UserError(f"{table}.rows.{number} is the same as {table}.rows.{same}; remove one of them.")
        label = _label(config, facts[number], [facts[n] for n in twins])
        found.append(ConfiguredRow(number, row.variant, config, label, task))
    return found


def checked_config(row: Row, task: str, where: str) -> Config:
    """Return the complete configuration of a row's variant on a task.

    Arguments:
        where: the row's place in the suite, for messages.

    Raises:
        UserError: the variant or a setting is unknown, or a value does not fit.
    """
    dataset = DATASETS.get(task)
    fixed = FROM_TASK & row.config.keys()
    if fixed:
        raise UserError(f"{where}.config: '{fixed.pop()}' comes from the task '{task}'; leave it out.")
    try:
        return configure(
            row.variant,
            **row.config,
            image_size=dataset.image_size,
            image_channels=1,
            classes=dataset.classes,
        )
    except (UserError, ValueError) as error:
        raise UserError(f"{where}: {error}") from None


def chosen_settings(variant: str, config: Config) -> dict[str, Any]:
    """Return the settings of a configuration without those that the task decides."""
    return {name: value for name, value in plain_settings(variant, config).items() if name not in FROM_TASK}


def _facts(row: Row, config: Config) -> dict[str, Any]:
    """Return everything in which rows of one variant can differ."""
    protocol = {"protocol": row.protocol} if isinstance(row, TrainedRow) else {}
    return chosen_settings(row.variant, config) | protocol


def _label(config: Config, facts: dict[str, Any], twins: Sequence[dict[str, Any]]) -> str:
    """Return the configuration's own label, with the settings that differ from rows of the same label."""
    apart = [name for name, value in facts.items() if any(twin.get(name) != value for twin in twins)]
    return ", ".join(filter(None, [config.label, *(f"{name}={facts[name]}" for name in apart)]))
