"""What figures are drawn from: the rows of a report, as one analysis sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from harness.errors import cause_of

T = TypeVar("T")
Arrays = dict[str, np.ndarray]
Answers = tuple[np.ndarray, np.ndarray]  # predicted and true classes of a test's images, (images,) each
Curve = list[tuple[float, float]]  # epoch and error in training, percent


def _none() -> None:
    return None


@dataclass(frozen=True)
class Model:
    """A trained model of a row. What it has left is read when it is called for.

    arrays: what the analysis has measured of it; empty if that was nothing.
    answers: to the task's first test; None where they are not known.
    curve: empty if it was not kept.
    """

    seed: int
    arrays: Callable[[], Arrays] = dict
    answers: Callable[[], Answers | None] = _none
    curve: Callable[[], Curve] = list


@dataclass(frozen=True)
class TrainedRow:
    """A row of the table of errors on one task. Title and task are short, plain, and no two alike.

    models: those that are done, the first seed's first.
    error: on the task's first test, percent.
    seconds: of a training iteration, where the row is timed as well.
    """

    title: str
    task: str
    models: Sequence[Model] = ()
    error: float | None = None
    seconds: float | None = None

    def first(self) -> Arrays:
        """What the analysis has measured of the first seed's model; empty if that was nothing, or is not done."""
        return self.models[0].arrays() if self.models else {}


@dataclass(frozen=True)
class TimedRow:
    """A row of the table of times.

    samples: seconds of the single iterations, a list for each process.
    """

    title: str
    task: str
    samples: Callable[[], list[list[float]]]


@dataclass(frozen=True)
class Rows:
    """The rows of a report, as an analysis sees them.

    left_out: what could not be made of what is recorded, and why.
    """

    analysis: str
    trained: Sequence[TrainedRow] = ()
    timed: Sequence[TimedRow] = ()
    left_out: list[str] = field(default_factory=list)

    def by_task(self, make: Callable[[TrainedRow], T | None]) -> dict[str, dict[str, T]]:
        """What is made of each trained row, by task and title; a row of which nothing can be made is left out."""
        found: dict[str, dict[str, T]] = {}
        for row in self.trained:
            with self._attempt(f"{row.title} on {row.task}"):
                made = make(row)
                if made is not None:
                    found.setdefault(row.task, {})[row.title] = made
        return found

    def of_timed(self, make: Callable[[TimedRow], T | None]) -> dict[str, T]:
        """What is made of each timed row, by title; a row of which nothing can be made is left out."""
        found = {}
        for row in self.timed:
            with self._attempt(row.title):
                made = make(row)
                if made is not None:
                    found[row.title] = made
        return found

    @contextmanager
    def _attempt(self, row: str) -> Iterator[None]:
        """Around what reads files that may have come from anywhere."""
        try:
            yield
        except Exception as error:  # whatever a file of another shape leads to: no figure is worth a report
            self.left_out.append(f"{self.analysis} of {row}: {cause_of(error)}")
