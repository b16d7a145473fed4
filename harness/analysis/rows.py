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
Answers = tuple[np.ndarray, np.ndarray]  # predicted and true classes of a test's images, (images,) each
Curve = list[tuple[float, float]]  # epoch and error in training, percent


def _none() -> None:
    return None


@dataclass(frozen=True)
class Model:
    """A trained model of a row. What was recorded of it is read from the record when it is called for.

    arrays: what the analysis has measured of it; empty if that was nothing.
    answers: to the task's first test; None where they are not known.
    curve: empty if it was not kept.
    """

    seed: int
    arrays: Callable[[], Arrays] = dict
    answers: Callable[[], Answers | None] = _none
    curve: Callable[[], Curve] = list


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a report's tables, on one task.

    title, task: in full, as the text of a report and a suite have them.
    short_title, short_task: the same for figures: short, in one line, and no two alike.
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

    models: those that are done, the first seed's first.
    error: on the task's first test, percent.
    seconds: of a training iteration, where the row is timed as well.
    """

    models: Sequence[Model] = ()
    error: float | None = None
    seconds: float | None = None

    def arrays(self) -> list[Arrays]:
        """What the analysis has measured of each seed's model, without the models of which it has measured nothing."""
        return [arrays for model in self.models if (arrays := model.arrays())]

    def first(self) -> Arrays:
        """What the analysis has measured of the first seed's model; empty if that was nothing, or is not done."""
        return self.models[0].arrays() if self.models else {}


@dataclass(frozen=True, kw_only=True)
class TimedRow(Row):
    """A row of the table of times.

    samples: seconds of the single iterations, a list for each process.
    """

    samples: Callable[[], list[list[float]]]


@dataclass(frozen=True)
class Rows:
    """The rows of a report, as an analysis sees them.

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
