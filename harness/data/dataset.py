"""What a dataset is, the registry of all of them, and the folder they live in."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness.paths import expanded
from harness.registry import Registry

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Examples:
    """Labelled grey images: `images` (n, height, width) uint8 and `labels` (n,), whole numbers 0..classes-1."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class TaskData:
    """What a task trains on and what it is tested on.

    train: may be smaller than the model's image size; each epoch then places its images at random on the
        canvas.
    tests: by name; the first is the one that a table of errors quotes.
    """

    train: Examples
    tests: dict[str, Examples]


class Dataset(ABC):
    """The data of one task of a suite. A subclass decorated with `@register("name")` adds a task.

    What decides a result is in its key: the digest of the data, and of a plugin's dataset its source as well.
    `harness.data.check` holds it to what it promises here.
    """

    name: ClassVar[str]
    image_size: ClassVar[int]  # height and width in pixels of what the model sees
    classes: ClassVar[int]  # 2..1000
    train_size: ClassVar[int]  # training images

    @abstractmethod
    def digest(self, folder: Path) -> str:
        """Identity of the data, at most 36 characters, found without loading them, also before they are fetched."""

    @abstractmethod
    def test_names(self, folder: Path) -> list[str]:
        """The names that `load` gives its tests, in the same order, found without loading them.

        A table of errors quotes the first. They are made of ASCII letters, digits, spaces and `_ - . /`, at most 64.
        """

    def remarks(self, folder: Path) -> list[str]:
        """What has to be said beside every error on the first test, in a few words each; nothing as a rule."""
        return []

    @abstractmethod
    def fetch(self, folder: Path, progress: Progress) -> None:
        """Make sure that every file is in the folder and is what it should be.

        Raises:
            UserError: no source gives the files, or the folder cannot be written.
        """

    @abstractmethod
    def load(self, folder: Path) -> TaskData:
        """The data, once they are fetched.

        Raises:
            Missing: a file is not there.
            Damaged: a file is there, but is not what it should be.
        """


DATASETS: Registry[Dataset] = Registry(
    "dataset",
    Dataset,  # type: ignore[type-abstract]  # only compared with, never instantiated
    package="harness.data",
    group="harness.datasets",
)
register = DATASETS.register


def data_folder(chosen: Path | None) -> Path:
    """The folder of all datasets: the chosen one, else `HARNESS_DATA`, else one in the user's cache."""
    return expanded(chosen or os.environ.get("HARNESS_DATA") or "~/.cache/capsule-harness/data")
