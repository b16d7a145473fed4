"""The base class of datasets, their registry, and the data folder."""

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

    train: its images may be smaller than the model's image size; each epoch then places them at random on the canvas.
    tests: by name; a table of errors quotes the first.
    """

    train: Examples
    tests: dict[str, Examples]


class Dataset(ABC):
    """The data of one task of a suite. A subclass decorated with `@register("name")` adds a task.

    The digest of the data is part of every trial's key, and so is the source of a plugin's dataset: trials of changed
    data run again. `harness.data.check` checks that a dataset keeps to this contract.

        from pathlib import Path

        import numpy as np

        from harness.data import Dataset, Examples, Missing, TaskData, register


        @register("stripes")
        class Stripes(Dataset):
            name, image_size, classes, train_size = "stripes", 28, 2, 1000

            def digest(self, folder):
                return "stripes-1"  # a new one whenever the data change

            def test_names(self, folder):
                return ["stripes"]

            def fetch(self, folder, progress):
                if not (folder / "stripes.npz").is_file():
                    raise Missing(f"{folder / 'stripes.npz'} is missing: copy it there.")

            def load(self, folder):
                data = np.load(folder / "stripes.npz")
                train, test = (Examples(data[f"{part}_images"], data[f"{part}_labels"]) for part in ("train", "test"))
                return TaskData(train, {"stripes": test})
    """

    name: ClassVar[str]
    image_size: ClassVar[int]  # height and width in pixels of what the model sees
    classes: ClassVar[int]  # 2..1000
    train_size: ClassVar[int]  # training images

    @abstractmethod
    def digest(self, folder: Path) -> str:
        """Identity of the data, 1 to 36 characters; computed without loading them, also before they are fetched."""

    @abstractmethod
    def test_names(self, folder: Path) -> list[str]:
        """The names of the tests that `load` returns, in the same order; computed without loading them.

        A table of errors quotes the first. A name has 1 to 64 ASCII letters, digits, spaces and `_ - . /`.
        """

    def remarks(self, folder: Path) -> list[str]:
        """Remarks of a few words that a table prints beside every error on the first test; none by default."""
        return []

    @abstractmethod
    def fetch(self, folder: Path, progress: Progress) -> None:
        """Make sure that every file is in the folder and intact.

        Arguments:
            progress: called with lines for the user.

        Raises:
            UserError: no source gives the files, or the folder cannot be written.
        """

    @abstractmethod
    def load(self, folder: Path) -> TaskData:
        """The data, from the files that `fetch` has brought.

        Images are uint8 (n, height, width): those of the tests `image_size` high and wide, those for training at most.
        Labels are whole numbers 0..classes-1. Every call returns the same.

        Raises:
            Missing: a file is not there.
            Damaged: a file is there, but its content is wrong.
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
