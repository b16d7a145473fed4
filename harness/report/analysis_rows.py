"""The rows of a report for analyses: what their figures are drawn from and their claims are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from harness.analysis.rows import Model, Predicted, Rows, TimedRow, TrainedRow
from harness.drawing.labels import labels
from harness.record.recorded import RecordedTraining
from harness.report.tables.recorded_rows import RecordedRows
from harness.report.tables.rows import ErrorRow, TableRow, TimeRow


@dataclass(frozen=True)
class AnalysisRows:
    """The rows of a report for any analysis; what is recorded of a trial is read when the analysis asks for it."""

    errors: Sequence[ErrorRow]
    times: Sequence[TimeRow]
    recorded: RecordedRows

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
        trials = self.recorded.trained(row.title, row.task)
        models = [self._model(row, trial.seed, recorded, analysis) for trial, recorded in trials]
        return TrainedRow(**self._common(row), models=models, error=row.measured, seconds=self._seconds(row))

    def _model(self, row: ErrorRow, seed: int, recorded: RecordedTraining, analysis: str) -> Model:
        def predictions() -> Predicted | None:
            return self.recorded.predictions(row.title, row.task).get(seed)

        return Model(seed, partial(recorded.arrays, analysis), predictions, lambda: recorded.curve)

    def _seconds(self, row: ErrorRow) -> float | None:
        """The seconds of an iteration of the same configuration, whose label may differ from table to table."""
        timed = [each.median for each in self.times if (each.variant, each.config) == (row.variant, row.config)]
        return timed[0] if timed else None

    def _samples(self, row: TimeRow) -> list[list[float]]:
        return [recorded.samples for _, recorded in self.recorded.timed(row.title, row.task)]
