"""From a suite to its trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.analysis.claims import read_claim
from harness.data import DATASETS
from harness.data.check import Identity, identify
from harness.errors import UserError
from harness.plan.budget import iterations_at
from harness.plan.common import with_common_settings
from harness.plan.key import keyed
from harness.plan.plan import Plan, PlannedRow
from harness.plan.settings import FROM_TASK, plain_settings
from harness.plan.trial import TimingTrial, TimingWork, TrainingTrial, TrainingWork, Trial
from harness.plugins.isolation import foreign_code
from harness.registry import nearest
from harness.suite.claims import BaseClaim, Claim, OtherClaim, RowSelector
from harness.suite.load import ResolvedSuite
from harness.suite.matching import has_settings
from harness.suite.protocol import ERROR_TITLE, TIME_TITLE, TimingProtocol
from harness.suite.schema import Row, Suite, TimedRow, TimeTable, TrainedRow
from variants import VARIANTS, configure
from variants.contract import Config


def make_plan(resolved: ResolvedSuite, data: Path) -> Plan:
    """The plan of a suite, with what is known of its data before they are fetched.

    With a budget, how much of each training protocol is run stays open; see `harness.plan.refine`.

    Raises:
        UserError: an unknown variant, setting or dataset, or one that does not fit.
    """
    suite = resolved.suite
    if suite.errors is None:
        fraction: float | None = 1.0
    else:
        fraction = resolved.fraction or 1.0 if resolved.budget is None else None
    try:
        with foreign_code():  # variants and datasets do what the plan asks with code of their own
            suite = with_common_settings(resolved)
            resolved = resolved.model_copy(update={"suite": suite})
            identities = _identities(suite, data)
            errors, training = _training_trials(resolved, identities, fraction)
            times, timing = _timing_trials(resolved, identities)
        baseline = _baseline(suite.times, times)
        _check_claims(suite.claims, [*errors, *times])
    except UserError as error:
        raise UserError(f"{resolved.path}: {error}") from None
    trials: list[Trial] = [*timing, *training]
    return Plan(
        suite=suite.name,
        profile=resolved.profile,
        budget=resolved.budget,
        fraction=fraction,
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


def _identities(suite: Suite, data: Path) -> dict[str, Identity]:
    """What is known of the data of each task."""
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


def _training_trials(
    resolved: ResolvedSuite, identities: dict[str, Identity], fraction: float | None
) -> tuple[list[PlannedRow], list[TrainingTrial]]:
    table = resolved.suite.errors
    if table is None:
        return [], []
    rows: list[PlannedRow] = []
    trials: list[TrainingTrial] = []
    labelled = {task: _labelled(table.rows, task, "errors") for task in table.tasks}
    for number, row in enumerate(table.rows):
        for task in table.tasks:
            config, label = labelled[task][number]
            planned = _planned(number, row.variant, label, config, task)
            rows.append(planned)
            data = identities[task]
            common = _common(planned, config, data)
            work = _training_work(resolved, row, task, fraction)
            trials += [
                keyed(TrainingTrial(**common, seed=seed, tests=data.tests, remarks=data.remarks, work=work))
                for seed in table.seeds_of(row, task)
            ]
    return rows, trials


def _training_work(resolved: ResolvedSuite, row: TrainedRow, task: str, fraction: float | None) -> TrainingWork:
    table = resolved.suite.errors
    assert table is not None
    protocol = resolved.suite.protocols[row.protocol]
    size = DATASETS.get(task).train_size
    images = min(size, table.train_images or size)
    if protocol.batch_size > images:
        raise UserError(
            f"batch_size of protocol '{row.protocol}' is {protocol.batch_size}, but there are {images} training "
            f"images; lower it or raise train_images."
        )
    work = TrainingWork(
        protocol=protocol,
        full_iterations=protocol.full_iterations(images),
        iterations=None,
        train_images=images,
        test_images=table.test_images,
        precision=resolved.suite.precision,
    )
    return work if fraction is None else work.model_copy(update={"iterations": iterations_at(work, fraction)})


def _timing_trials(
    resolved: ResolvedSuite, identities: dict[str, Identity]
) -> tuple[list[PlannedRow], list[TimingTrial]]:
    table = resolved.suite.times
    if table is None:
        return [], []
    settings = {name: getattr(table, name) for name in TimingProtocol.model_fields}
    work = TimingWork(
        protocol=TimingProtocol(**settings), learning_rate=table.learning_rate, precision=resolved.suite.precision
    )
    timed, references = _with_references(table.rows)
    labelled = _labelled(table.rows, table.task, "times")
    for first, number in references.items():
        if number < len(labelled):  # a row itself, or the reference of another one
            continue
        row = timed[number]
        told = ", ".join(f"{name}={value}" for name, value in (table.rows[first].reference or {}).items())
        config = checked_config(row, table.task, f"times.rows.{first}.reference")
        labelled.append((config, f"{config.label}, {told}".removeprefix(", ")))
    numbered = [
        (n, row.variant, config, label) for n, (row, (config, label)) in enumerate(zip(timed, labelled, strict=True))
    ]
    rows = [
        _planned(n, variant, label, config, table.task, references.get(n)) for n, variant, config, label in numbered
    ]
    common = [
        _common(row, config, identities[table.task]) for row, (_, _, config, _) in zip(rows, numbered, strict=True)
    ]
    trials = [keyed(TimingTrial(**each, round=number, work=work)) for number in range(table.rounds) for each in common]
    return rows, trials


def _with_references(rows: Sequence[TimedRow]) -> tuple[list[Row], dict[int, int]]:
    """The rows, then their references as far as they are not rows themselves, and the reference of each by number."""
    timed: list[Row] = list(rows)
    references = {}
    for number, row in enumerate(rows):
        if row.reference is not None:
            wanted = Row(variant=row.variant, config={**row.config, **row.reference})
            told = [(each.variant, each.config) for each in timed]
            if (wanted.variant, wanted.config) not in told:
                timed.append(wanted)
                told.append((wanted.variant, wanted.config))
            references[number] = told.index((wanted.variant, wanted.config))
    return timed, references


def _labelled(rows: Sequence[Row], task: str, table: str) -> list[tuple[Config, str]]:
    """The configuration of each row of a table, and a label that no other row of its variant has.

    Raises:
        UserError: a configuration that does not fit, or the same row twice.
    """
    configs = [checked_config(row, task, f"{table}.rows.{number}") for number, row in enumerate(rows)]
    own = [config.label for config in configs]
    told = [
        _settings(row.variant, config) | ({"protocol": row.protocol} if isinstance(row, TrainedRow) else {})
        for row, config in zip(rows, configs, strict=True)
    ]
    labels = []
    for number, row in enumerate(rows):
        twins = [n for n, other in enumerate(rows) if (other.variant, own[n]) == (row.variant, own[number])]
        same = [n for n in twins if n < number and told[n] == told[number]]
        if same:
            raise UserError(f"{table}.rows.{number} is the same as {table}.rows.{same[0]}; remove one of them.")
        apart = [name for name, value in told[number].items() if any(told[n].get(name) != value for n in twins)]
        labels.append(", ".join(filter(None, [own[number], *(f"{name}={told[number][name]}" for name in apart)])))
    return list(zip(configs, labels, strict=True))


def checked_config(row: Row, task: str, where: str) -> Config:
    """The complete configuration of a row's variant on a task.

    Raises:
        UserError: an unknown variant or setting, or a value that does not fit.
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


def _planned(row: int, variant: str, label: str, config: Config, task: str, reference: int | None = None) -> PlannedRow:
    return PlannedRow(
        row=row, variant=variant, label=label, config=_settings(variant, config), task=task, reference=reference
    )


def _settings(variant: str, config: Config) -> dict[str, Any]:
    """What a person chose, without what the task decides."""
    return {name: value for name, value in plain_settings(variant, config).items() if name not in FROM_TASK}


def _common(row: PlannedRow, config: Config, data: Identity) -> dict[str, Any]:
    """What trials of a row on a task have in common."""
    return {
        "key": "",
        "row": row.row,
        "variant": row.variant,
        "label": row.label,
        "config": plain_settings(row.variant, config),
        "task": row.task,
        "source": VARIANTS.source_digest(row.variant),
        "data": data.digest,
        "data_source": DATASETS.source_digest(row.task),
    }


def _check_claims(claims: Sequence[Claim], rows: Sequence[PlannedRow]) -> None:
    """Refuse claims of unknown kinds, and those about settings that none of their variant's rows has: such a claim
    could only stay undecided.

    Raises:
        UserError: there is one.
    """
    known = {row.variant: row.config for row in rows}  # all rows of a variant have the same settings
    for number, each in enumerate(claims):
        claim: BaseClaim = read_claim(each, f"claims.{number}") if isinstance(each, OtherClaim) else each
        for key, wanted in claim:
            if isinstance(wanted, RowSelector) and wanted.variant in known:
                unknown = wanted.config.keys() - known[wanted.variant].keys()
                for name in sorted(unknown):
                    raise UserError(
                        f"claims.{number}.{key}: variant '{wanted.variant}' has no setting '{name}': "
                        f"{nearest(name, known[wanted.variant])}."
                    )


def _baseline(table: TimeTable | None, rows: list[PlannedRow]) -> int:
    if table is None or table.baseline is None:
        return 0
    wanted = table.baseline
    found = [
        number
        for number, row in enumerate(rows)
        if row.variant == wanted.variant and has_settings(row.config, wanted.config)
    ]
    listed = [number for number in found if number < len(table.rows)]  # the others are references of rows
    if not found:
        raise UserError(f"times.baseline: no row is {wanted.variant} with {wanted.config}; name one of the rows.")
    if len(listed) > 1:
        labels = ", ".join(f"'{wanted.variant} {rows[number].label}'" for number in listed)
        raise UserError(f"times.baseline fits {len(listed)} rows: {labels}; add a setting that only one of them has.")
    return (listed or found)[0]
