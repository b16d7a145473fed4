"""The rows of the table of errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from harness.plan.plan import PlannedRow
from harness.plan.trial import TrainingTrial
from harness.record.recorded import RecordedTraining
from harness.report.tables.learning import learning_of
from harness.report.tables.recorded_rows import RecordedRows, tests_of
from harness.report.tables.row_facts import common, setting_reasons
from harness.report.tables.rows import ErrorRow
from harness.report.tables.summaries import Summary, error_of, error_of_numbers
from harness.suite.published import Number, Published, PublishedTable, look_up
from harness.worker.numbers import Score


def error_rows(published: list[Published], recorded: RecordedRows) -> list[ErrorRow]:
    """Return the rows of the table of errors."""
    return [_error_row(row, published, recorded) for row in recorded.plan.errors]


def _error_row(row: PlannedRow, published: list[Published], recorded: RecordedRows) -> ErrorRow:
    trials = [trial for trial in recorded.plan.training if (trial.row, trial.task) == (row.row, row.task)]
    done = [recorded.training[trial.key] for trial in trials if trial.key in recorded.training]
    trial = trials[0] if trials else None
    known = _measured_tests(done)
    test, *others = (tests_of(trial, known) if trial is not None else []) or [row.task]
    scores = _scores(done, test) if test in known else []
    learning = learning_of(recorded.predictions(row.title, row.task).values())
    found = look_up(published, "errors", row.variant, row.config, row.task)
    reasons = _reasons(row, found, trial, test, scores)
    statuses = [recorded.status(trial) for trial in trials]
    return ErrorRow(
        **common(row, "percent", found, _summary(row, scores, recorded), reasons, statuses, "seeds"),
        test=test,
        images=scores[0].images if scores else 0,
        iterations=(trial.work.iterations or 0) if trial is not None else 0,
        fraction=trial.work.fraction if trial is not None else None,
        other_tests={name: _mean_error(_scores(done, name)) for name in others if name in known},
        unlearned=learning.unlearned if learning is not None else 0,
        chance=learning.chance if learning is not None else None,
        falling=recorded.falling(row.title, row.task),
    )


def _measured_tests(done: Sequence[RecordedTraining]) -> list[str]:
    """The test sets that all of these trials were tested on."""
    every = [each.numbers.tests for each in done]
    return [name for name in every[0] if all(name in tests for tests in every)] if every else []


def _scores(done: Iterable[RecordedTraining], test: str) -> list[Score]:
    return [each.numbers.tests[test] for each in done]


def _mean_error(scores: Sequence[Score]) -> float:
    return float(np.mean([score.error_percent for score in scores]))


def _summary(row: PlannedRow, scores: Sequence[Score], recorded: RecordedRows) -> Summary | None:
    """A row's error by the predictions of its models or, if those of some are lost, by the errors of its models."""
    if not scores:
        return None
    mistakes = recorded.mistakes(row.title, row.task)
    if mistakes is not None and len(mistakes.wrong) == len(scores):
        return error_of(mistakes)
    return error_of_numbers([score.error_percent for score in scores], scores[0].images)


def _reasons(
    row: PlannedRow,
    found: tuple[Number, PublishedTable] | None,
    trial: TrainingTrial | None,
    test: str,
    scores: Sequence[Score],
) -> list[str]:
    """What sets a row apart from the published one."""
    reasons = setting_reasons(found, row.config)
    fraction = trial.work.fraction if trial is not None else None
    if fraction is not None and fraction < 1:
        reasons.append(f"{fraction:.2%} of the protocol")
    reasons += _training_reasons(found, trial)
    reasons += trial.remarks if trial is not None else ()
    if test.endswith("-rebuilt"):
        reasons.append("rebuilt test set")
    if found is not None and found[1].images is not None and scores and scores[0].images < found[1].images:
        reasons.append(f"{scores[0].images:,} of {found[1].images:,} test images")
    return reasons


def _training_reasons(found: tuple[Number, PublishedTable] | None, trial: TrainingTrial | None) -> list[str]:
    if found is None or trial is None:
        return []
    ours, theirs = trial.work.train_images, found[1].train_images
    fewer = [f"{ours:,} of {theirs:,} training images"] if theirs is not None and ours < theirs else []
    return fewer + found[0].protocol.deviations(trial.work.protocol)
