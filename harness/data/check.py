"""The contract of `Dataset`, checked: attributes and names when a suite is planned, arrays when they are loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from harness.data.dataset import Dataset, Examples, TaskData
from harness.data.labels import label_dtype
from harness.errors import UserError

LARGEST_IMAGE, MOST_CLASSES = 512, 1000  # those of `variants.contract.Config`
LONGEST_DIGEST, LONGEST_NAME = 36, 64  # characters
NAME = re.compile(r"[A-Za-z0-9 _./-]+")  # of a test: MLflow allows these characters in the name of a metric
TASK = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 _.-]*[A-Za-z0-9_-])?")  # of a task: files of figures are named after it


def check_class(task: str, cls: type[Dataset]) -> None:
    """Check a dataset's registered name and the attributes of its class.

    Raises:
        UserError: one of them is missing or out of range.
    """
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


def check_digest(task: str, digest: object) -> str:
    """The digest that a dataset gives, checked.

    Raises:
        UserError: it is no text, too long, or not printable.
    """
    if not isinstance(digest, str) or not 1 <= len(digest) <= LONGEST_DIGEST or not digest.isprintable():
        raise UserError(
            f"the dataset '{task}' gives the digest {digest!r:.60}: it has to be a text of 1 to {LONGEST_DIGEST} "
            f"printable characters."
        )
    return digest


def check_names(task: str, names: Sequence[object]) -> tuple[str, ...]:
    """The names that a dataset gives its tests, checked.

    Raises:
        UserError: there is none, one has characters that are not allowed, or two are alike.
    """
    if not names:
        raise UserError(f"the dataset '{task}' names no test in test_names: it needs one or more.")
    checked = tuple(_checked_name(task, name) for name in names)
    if len({name.casefold() for name in checked}) < len(checked):
        raise UserError(f"the dataset '{task}' has tests of one name ({', '.join(checked)}): rename one of them.")
    return checked


def checked_data(task: str, dataset: Dataset, data: object, names: tuple[str, ...]) -> TaskData:
    """What a dataset has loaded, checked; labels are in the smallest dtype that holds its classes.

    Arguments:
        names: of its tests, as its `test_names` gives them.

    Raises:
        UserError: it is not what the dataset's class says.
    """
    if not isinstance(data, TaskData) or not isinstance(data.tests, dict):
        raise UserError(f"the dataset '{task}' loads {_kind(data)}: it has to give a TaskData with a dict of tests.")
    if tuple(data.tests) != names:
        raise UserError(
            f"the dataset '{task}' loads the tests {', '.join(map(repr, data.tests)) or 'none'}, but its test_names "
            f"are {', '.join(map(repr, names))}: both have to give the same names in the same order."
        )
    train = _checked(data.train, f"the training set of '{task}'", dataset, is_test=False)
    if len(train) != dataset.train_size:
        raise UserError(
            f"the training set of '{task}' has {len(train):,} images, but its train_size is {dataset.train_size:,}: "
            f"make them agree."
        )
    tests = {
        name: _checked(test, f"the test '{name}' of '{task}'", dataset, is_test=True)
        for name, test in data.tests.items()
    }
    return TaskData(train, tests)


def _checked_name(task: str, name: object) -> str:
    is_well = isinstance(name, str) and len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None
    # MLflow takes the parts between slashes for folders.
    if not is_well or any(part.strip(" .") == "" or part != part.strip() for part in str(name).split("/")):
        raise UserError(
            f"the dataset '{task}' calls a test {name!r:.100}: allowed are 1 to {LONGEST_NAME} ASCII letters, digits, "
            f"spaces and _ - . /, with neither a space nor nothing at the ends or beside a slash; rename it."
        )
    return str(name)


def _checked(examples: object, where: str, dataset: Dataset, *, is_test: bool) -> Examples:
    """Examples whose images and labels have the right types, shapes and values."""
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
    _check_size(images, where, dataset.image_size, is_test=is_test)
    return Examples(np.ascontiguousarray(images), np.ascontiguousarray(labels, label_dtype(dataset.classes)))


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


def _check_size(images: np.ndarray, where: str, size: int, *, is_test: bool) -> None:
    """Tests have the model's image size; smaller training images are placed on the canvas at random."""
    _, height, width = images.shape
    if (height, width) != (size, size) if is_test else max(height, width) > size:
        allowed = f"{size}×{size}" if is_test else f"at most {size}×{size}"
        raise UserError(
            f"the images of {where} have {height}×{width} pixels: the dataset's image_size allows {allowed}; change "
            f"one of them."
        )


def _kind(value: object) -> str:
    """The type of a value, for a message."""
    return f"a {type(value).__name__}" if value is not None else "None"
