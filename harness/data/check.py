"""What a dataset has to be: its attributes and names where a suite is planned, its arrays where they are loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from harness.data.classes import class_type
from harness.data.dataset import DATASETS, Dataset, Examples, Progress, TaskData
from harness.data.errors import Damaged, Missing
from harness.errors import UserError

T = TypeVar("T")

LARGEST_IMAGE, MOST_CLASSES = 512, 1000  # as `variants.contract.Config` has them
LONGEST_DIGEST, LONGEST_NAME = 36, 64  # characters
NAME = re.compile(r"[A-Za-z0-9 _./-]+")  # what a record's metrics can be called by
TASK = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 _.-]*[A-Za-z0-9_-])?")  # what figures can be called by


@dataclass(frozen=True)
class Identity:
    """What a plan knows of a task's data.

    digest: of the data.
    tests: the names of its tests; a table of errors quotes the first.
    remarks: what a table has to say of the first test.
    """

    digest: str
    tests: tuple[str, ...]
    remarks: tuple[str, ...]


def identify(task: str, folder: Path) -> Identity:
    """What a plan needs to know of a task's data, which may not have been fetched yet.

    Raises:
        UserError: there is no such dataset, or its class is not what a dataset has to be.
    """
    dataset = _made(task)
    digest = _asked(task, "digest", lambda: dataset.digest(folder))
    if not isinstance(digest, str) or not 1 <= len(digest) <= LONGEST_DIGEST or not digest.isprintable():
        raise UserError(
            f"the dataset '{task}' gives the digest {digest!r:.60}: it has to be a text of 1 to {LONGEST_DIGEST} "
            f"printable characters."
        )
    remarks = _asked(task, "remarks", lambda: list(dataset.remarks(folder)))
    return Identity(digest, _names(task, dataset, folder), tuple(str(remark) for remark in remarks))


def load(task: str, folder: Path) -> TaskData:
    """The data of a task, checked; labels are in the smallest dtype that holds its classes.

    Raises:
        Missing, Damaged: as `Dataset.load` has it.
        UserError: the data are not what a dataset has to give.
    """
    dataset = _made(task)
    data = _asked(task, "load", lambda: _loaded(task, dataset, folder))
    if not isinstance(data, TaskData) or not isinstance(data.tests, dict):
        raise UserError(f"the dataset '{task}' loads {_kind(data)}: it has to give a TaskData with a dict of tests.")
    names = _names(task, dataset, folder)
    if tuple(data.tests) != names:
        raise UserError(
            f"the dataset '{task}' loads the tests {', '.join(map(repr, data.tests)) or 'none'}, but its test_names "
            f"are {', '.join(map(repr, names))}: both have to give the same names in the same order."
        )
    train = _checked(data.train, f"the training set of '{task}'", dataset)
    if len(train) != dataset.train_size:
        raise UserError(
            f"the training set of '{task}' has {len(train):,} images, but its train_size is {dataset.train_size:,}: "
            f"make them agree."
        )
    _check_size(train, f"the training set of '{task}'", dataset.image_size, is_test=False)
    tests = {}
    for name, test in data.tests.items():
        tests[name] = _checked(test, f"the test '{name}' of '{task}'", dataset)
        _check_size(tests[name], f"the test '{name}' of '{task}'", dataset.image_size, is_test=True)
    return TaskData(train, tests)


def _made(task: str) -> Dataset:
    """The dataset of a task, once its class has been looked at."""
    cls = DATASETS.get(task)
    if not TASK.fullmatch(task) or len(task) > LONGEST_NAME:
        raise UserError(
            f"a dataset is registered as {task!r:.100}: allowed are 1 to {LONGEST_NAME} ASCII letters, digits, spaces "
            f"and _ - ., the first a letter or digit, as files are named after it; rename it."
        )
    if not isinstance(getattr(cls, "name", None), str) or not cls.name:
        raise UserError(f"the dataset '{task}' ({cls.__qualname__}) has no name: give its class one, a text.")
    bounds = {"image_size": (1, LARGEST_IMAGE), "classes": (2, MOST_CLASSES), "train_size": (1, None)}
    for attribute, (least, most) in bounds.items():
        value = getattr(cls, attribute, None)
        if type(value) is not int or value < least or (most is not None and value > most):
            told = "is missing" if value is None else f"is {value!r:.60}"
            allowed = f"{least} to {most:,}" if most is not None else f"{least} or more"
            raise UserError(
                f"{attribute} of the dataset '{task}' ({cls.__qualname__}) {told}: give its class a whole number, "
                f"{allowed}."
            )
    return _asked(task, "__init__", cls)


def fetch(task: str, folder: Path, progress: Progress) -> None:
    """Make sure that the files of a task's data are in the folder.

    Raises:
        UserError: they can't be had, or the folder cannot be written.
    """
    dataset = _made(task)
    with suppress(OSError):  # where the folder can only be read, it may be complete all the same
        folder.mkdir(parents=True, exist_ok=True)
    _asked(task, "fetch", lambda: dataset.fetch(folder, progress))


def _loaded(task: str, dataset: Dataset, folder: Path) -> object:
    try:
        return dataset.load(folder)
    except FileNotFoundError as error:
        raise Missing(
            f"the dataset '{task}' lacks {error.filename or 'a file'}: run `python -m harness data fetch {task}`."
        ) from error
    except OSError as error:
        raise Damaged(
            f"the dataset '{task}' cannot read {error.filename or 'a file'} ({error.strerror or error}): mend it or "
            f"choose another data folder."
        ) from error


def _asked(task: str, method: str, call: Callable[[], T]) -> T:
    """What a dataset answers; whatever a plugin raises becomes a sentence."""
    try:
        return call()
    except UserError:
        raise
    except Exception as error:  # a plugin's method may raise anything
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"the dataset '{task}' fails in {method} ({told}); mend it.") from error


def _names(task: str, dataset: Dataset, folder: Path) -> tuple[str, ...]:
    """The names of its tests, once they have been looked at."""
    names = _asked(task, "test_names", lambda: list(dataset.test_names(folder)))
    if not names:
        raise UserError(f"the dataset '{task}' names no test in test_names: it needs one or more.")
    for name in names:
        _check_name(task, name)
    if len({name.casefold() for name in names}) < len(names):
        raise UserError(f"the dataset '{task}' has tests of one name ({', '.join(names)}): rename one of them.")
    return tuple(names)


def _check_name(task: str, name: object) -> None:
    is_well = isinstance(name, str) and len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None
    # A record takes the parts between slashes for folders.
    if not is_well or any(part.strip(" .") == "" or part != part.strip() for part in str(name).split("/")):
        raise UserError(
            f"the dataset '{task}' calls a test {name!r:.100}: allowed are 1 to {LONGEST_NAME} ASCII letters, digits, "
            f"spaces and _ - . /, with neither a space nor nothing at the ends or beside a slash; rename it."
        )


def _checked(examples: object, where: str, dataset: Dataset) -> Examples:
    """Examples whose images and labels are of the right kind and agree."""
    if not isinstance(examples, Examples):
        raise UserError(f"{where} is {_kind(examples)}: it has to be Examples.")
    images, labels = examples.images, examples.labels
    for what, array in (("images", images), ("labels", labels)):
        if not isinstance(array, np.ndarray):
            raise UserError(f"the {what} of {where} are {_kind(array)}: they have to be a NumPy array.")
    _check_images(images, where)
    _check_labels(labels, where, dataset.classes)
    if len(images) != len(labels):
        raise UserError(f"{where} has {len(images):,} images but {len(labels):,} labels: give each image one label.")
    return Examples(np.ascontiguousarray(images), np.ascontiguousarray(labels, class_type(dataset.classes)))


def _check_images(images: np.ndarray, where: str) -> None:
    if images.ndim == 4:
        raise UserError(
            f"the images of {where} have the shape {images.shape}: only grey images (images, height, width) are "
            f"supported today; make one channel of them."
        )
    if images.ndim != 3 or 0 in images.shape:
        raise UserError(
            f"the images of {where} have the shape {images.shape}: it has to be (images, height, width), none "
            f"of them 0."
        )
    if images.dtype != np.uint8:
        raise UserError(f"the images of {where} are {images.dtype}: they have to be uint8, 0 to 255.")


def _check_labels(labels: np.ndarray, where: str, classes: int) -> None:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise UserError(
            f"the labels of {where} are {labels.dtype} of the shape {labels.shape}: they have to be whole numbers "
            f"(images,), such as uint8."
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise UserError(
            f"label {wrong[0]} of {where} is {labels[wrong[0]]}: with {classes} classes, 0 to {classes - 1} are "
            f"allowed."
        )


def _check_size(examples: Examples, where: str, size: int, *, is_test: bool) -> None:
    _, height, width = examples.images.shape
    if (height, width) != (size, size) if is_test else max(height, width) > size:
        allowed = f"{size}×{size}" if is_test else f"at most {size}×{size}"
        raise UserError(
            f"the images of {where} have {height}×{width} pixels: the dataset's image_size allows {allowed}; change "
            f"one of them."
        )


def _kind(value: object) -> str:
    """What something is, for a message."""
    return f"a {type(value).__name__}" if value is not None else "None"
