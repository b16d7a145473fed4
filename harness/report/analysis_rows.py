"""The rows of a report for analyses: what their figures are drawn from and their claims are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from harness.analysis.rows import Answers, Arrays, Model, Rows, TimedRow, TrainedRow
from harness.drawing.labels import labels
from harness.plan.trial import TrainingTrial
from harness.report.tables.evidence import Measured
from harness.report.tables.rows import ErrorRow, TableRow, TimeRow


@dataclass(frozen=True)
class AnalysisRows:
    """The rows of a report for any analysis; what is recorded of a trial is read when the analysis asks for it."""

    errors: Sequence[ErrorRow]
    times: Sequence[TimeRow]
    measured: Measured

    def __call__(self, analysis: str) -> Rows:
        """The rows for an analysis, given its name."""
        return Rows(
            analysis,
            [self._trained(row, analysis) for row in self.errors],
            [TimedRow(**self._common(row), samples=partial(self._samples, row)) for row in self.times],
        )

    @cached_property
    def _short_tasks(self) -> dict[str, str]:
        return labels(row.task for row in (*self.errors, *self.times))

    @cached_property
    def _short_titles(self) -> dict[str, str]:
        return labels(row.title for row in (*self.errors, *self.times))

    def _common(self, row: TableRow) -> dict[str, Any]:
        """The fields of `harness.analysis.rows.Row`."""
        return {
            "title": row.title,
            "task": row.task,
            "short_title": self._short_titles[row.title],
            "short_task": self._short_tasks[row.task],
            "variant": row.variant,
            "config": row.config,
        }

    def _trained(self, row: ErrorRow, analysis: str) -> TrainedRow:
        trials = self.measured.trained(row.title, row.task)
        models = [self._model(row, trial, analysis) for trial in trials]
        return TrainedRow(**self._common(row), models=models, error=row.measured, seconds=self._seconds(row))

    def _model(self, row: ErrorRow, trial: TrainingTrial, analysis: str) -> Model:
        files = self.measured.files

        def arrays() -> Arrays:
            return files.arrays(trial.key, analysis)

        def answers() -> Answers | None:
            return self.measured.answers(row.title, row.task).get(trial.seed)

        return Model(trial.seed, arrays, answers, partial(files.curve, trial.key))

    def _seconds(self, row: ErrorRow) -> float | None:
        """The seconds of an iteration of the same configuration, whose label may differ from table to table."""
        timed = [each.median for each in self.times if (each.variant, each.config) == (row.variant, row.config)]
        return timed[0] if timed else None

    def _samples(self, row: TimeRow) -> list[list[float]]:
        trials = self.measured.timed(row.title, row.task)
        return [self.measured.files.samples(trial.key) for trial in trials]
