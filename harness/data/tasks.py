"""The data of a suite's tasks, by name: identified for a plan, fetched, and loaded once they are checked.

The dataset may be a plugin's: whatever it raises becomes a UserError that names it and the method.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.data.check import check_class, check_digest, check_names, checked_data
from harness.data.dataset import DATASETS, Dataset, Progress, TaskData
from harness.data.errors import Damaged, Missing
from harness.errors import UserError, cause_of

T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """What a plan knows of a task's data.

    digest: of the data.
    tests: the names of its tests; a table of errors quotes the first.
    remarks: what a table says beside every error on the first test.
    """

    digest: str
    tests: tuple[str, ...]
    remarks: tuple[str, ...]


def identify(task: str, folder: Path) -> Identity:
    """The identity of a task's data, which need not have been fetched yet.

    Raises:
        UserError: there is no such dataset, or its class does not meet the contract of `Dataset`.
    """
    dataset = _dataset(task)
    digest = check_digest(task, _call(task, "digest", lambda: dataset.digest(folder)))
    remarks = _call(task, "remarks", lambda: list(dataset.remarks(folder)))
    return Identity(digest, _test_names(task, dataset, folder), tuple(str(remark) for remark in remarks))


def fetch(task: str, folder: Path, progress: Progress) -> None:
    """Make sure that the files of a task's data are in the folder.

    Raises:
        UserError: no source gives them, or the folder cannot be written.
    """
    dataset = _dataset(task)
    with suppress(OSError):  # a folder that can only be read may be complete
        folder.mkdir(parents=True, exist_ok=True)
    _call(task, "fetch", lambda: dataset.fetch(folder, progress))


def load(task: str, folder: Path) -> TaskData:
    """The data of a task, checked; labels are in the smallest dtype that holds its classes.

    Raises:
        Missing, Damaged: as in `Dataset.load`.
        UserError: the data do not meet the contract of `Dataset`.
    """
    dataset = _dataset(task)
    data = _call(task, "load", lambda: _load(task, dataset, folder))
    return checked_data(task, dataset, data, _test_names(task, dataset, folder))


def _dataset(task: str) -> Dataset:
    cls = DATASETS.get(task)
    check_class(task, cls)
    return _call(task, "__init__", cls)


def _test_names(task: str, dataset: Dataset, folder: Path) -> tuple[str, ...]:
    return check_names(task, _call(task, "test_names", lambda: list(dataset.test_names(folder))))


def _load(task: str, dataset: Dataset, folder: Path) -> object:
    try:
        return dataset.load(folder)
    except FileNotFoundError as error:
        raise Missing(
            f"the dataset '{task}' lacks {error.filename or 'a file'}: run `python -m harness data fetch {task}`."
        ) from error
    except OSError as error:
        raise Damaged(
            f"the dataset '{task}' cannot read {error.filename or 'a file'} ({error.strerror or error}): fix it or "
            f"choose another data folder."
        ) from error


def _call(task: str, method: str, call: Callable[[], T]) -> T:
    """The result of a call of a dataset's method."""
    try:
        return call()
    except UserError:
        raise
    except Exception as error:  # a plugin's method may raise anything
        raise UserError(f"the dataset '{task}' fails in {method} ({cause_of(error)}); fix it.") from error
