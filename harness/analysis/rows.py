"""The rows of a report as one analysis sees them: what figures are drawn from, and what claims are judged by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from harness.errors import cause_of
from harness.suite.claims import RowSelector

T = TypeVar("T")
Arrays = dict[str, np.ndarray]
Predicted = tuple[np.ndarray, np.ndarray]  # predicted and true classes of a test's images, (images,) each
Curve = list[tuple[float, float]]  # epoch and error in training, percent


def _none() -> None:
    return None


@dataclass(frozen=True)
class Model:
    """A trained model of a row. What is recorded of it is read when one of the functions is called.

    arrays: returns what the analysis has measured of the model; empty if that was nothing.
    predictions: returns the predicted and the true classes of the task's first test; None if they are not recorded.
    curve: returns its errors in training; empty if they are not recorded.
    """

    seed: int
    arrays: Callable[[], Arrays] = dict
    predictions: Callable[[], Predicted | None] = _none
    curve: Callable[[], Curve] = list


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a report's tables, on one task.

    title, task: the full names, as the text of a report has them.
    short_title, short_task: the names for figures: in one line, not long, and no two alike.
    config: the variant's whole configuration.
    """

    title: str
    task: str
    short_title: str
    short_task: str
    variant: str
    config: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TrainedRow(Row):
    """A row of the table of errors on one task.

    models: of the seeds that are done, in the order of the seeds.
    error: the mean error on the task's first test, percent; None if nothing is measured.
    seconds: the median time of a training iteration; None if the row is not timed.
    """

    models: Sequence[Model] = ()
    error: float | None = None
    seconds: float | None = None

    def arrays(self) -> list[Arrays]:
        """The arrays of every model of which the analysis has measured something."""
        return [arrays for model in self.models if (arrays := model.arrays())]

    def first(self) -> Arrays:
        """The arrays of the first seed's model; empty if nothing was measured, or no seed is done."""
        return self.models[0].arrays() if self.models else {}


@dataclass(frozen=True, kw_only=True)
class TimedRow(Row):
    """A row of the table of times.

    samples: returns the seconds of the single iterations, a list for each process.
    """

    samples: Callable[[], list[list[float]]]


@dataclass(frozen=True)
class Rows:
    """The rows of a report for one analysis: with what it has measured of their models.

    left_out: the rows for which `by_task` and `of_timed` failed, and why.
    """

    analysis: str
    trained: Sequence[TrainedRow] = ()
    timed: Sequence[TimedRow] = ()
    left_out: list[str] = field(default_factory=list)

    def select(self, selector: RowSelector, task: str) -> list[TrainedRow]:
        """The trained rows on a task that a claim names."""
        return [row for row in self.trained if row.task == task and selector.selects(row.variant, row.config)]

    def by_task(self, make: Callable[[TrainedRow], T | None]) -> dict[str, dict[str, T]]:
        """What `make` returns for each trained row, by short task and short title, without None and failures."""
        found: dict[str, dict[str, T]] = {}
        for row in self.trained:
            with self._attempt(f"{row.short_title} on {row.short_task}"):
                made = make(row)
                if made is not None:
                    found.setdefault(row.short_task, {})[row.short_title] = made
        return found

    def of_timed(self, make: Callable[[TimedRow], T | None]) -> dict[str, T]:
        """What `make` returns for each timed row, by short title, without None and failures."""
        found = {}
        for row in self.timed:
            with self._attempt(row.short_title):
                made = make(row)
                if made is not None:
                    found[row.short_title] = made
        return found

    @contextmanager
    def _attempt(self, row: str) -> Iterator[None]:
        """Leave a row out, and say why, if what is recorded of it can't be read: files may come from anywhere."""
        try:
            yield
        except Exception as error:  # whatever a file of another shape leads to: no figure is worth a report
            self.left_out.append(f"{self.analysis} of {row}: {cause_of(error)}")


RowsOf = Callable[[str], Rows]  # the rows of a report for an analysis, given its name
