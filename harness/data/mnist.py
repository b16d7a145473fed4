"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28×28 pixels in 10 classes."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness.data import idx
from harness.data.dataset import Dataset, Examples, Progress, TaskData, register
from harness.data.gather import gather
from harness.data.sources import LocalFolder, Mirror, Source, SystemPackage, Wheel
from harness.data.verification import IdxFile, required
from harness.errors import UserError
from harness.paths import expanded

IMAGE_BYTES, LABEL_BYTES = 28 * 28, 1


def _four(train_images: str, train_labels: str, test_images: str, test_labels: str) -> tuple[IdxFile, ...]:
    return (
        IdxFile("train-images-idx3-ubyte", 16 + 60_000 * IMAGE_BYTES, train_images),
        IdxFile("train-labels-idx1-ubyte", 8 + 60_000 * LABEL_BYTES, train_labels),
        IdxFile("t10k-images-idx3-ubyte", 16 + 10_000 * IMAGE_BYTES, test_images),
        IdxFile("t10k-labels-idx1-ubyte", 8 + 10_000 * LABEL_BYTES, test_labels),
    )


class IdxDataset(Dataset):
    """A dataset in the four IDX files of MNIST."""

    image_size = 28
    classes = 10
    train_size = 60_000
    files: ClassVar[tuple[IdxFile, ...]]
    torchvision_name: ClassVar[str]  # of the class in torchvision.datasets that lists the mirrors
    package: ClassVar[SystemPackage | None] = None  # of the operating system

    def digest(self, folder: Path) -> str:
        joined = "".join(file.sha256 for file in self.files)
        return f"{self.name}-{hashlib.sha256(joined.encode()).hexdigest()[:16]}"

    def test_names(self, folder: Path) -> list[str]:
        return [self.name]

    def fetch(self, folder: Path, progress: Progress) -> None:
        own_folder = folder / self.name
        gather(own_folder, self.files, self.sources(own_folder, progress), progress)

    def load(self, folder: Path) -> TaskData:
        return TaskData(train=self.read(folder, "train"), tests={self.name: self.read(folder, "t10k")})

    def read(self, folder: Path, part: str) -> Examples:
        """The examples of one part, "train" or "t10k".

        Raises:
            Missing, Damaged: a file is not there, or its content is wrong.
        """
        images, labels = (file for file in self.files if file.name.startswith(part))
        return Examples(self._array(folder, images, 3), self._array(folder, labels, 1))

    def sources(self, own_folder: Path, progress: Progress) -> Iterator[Source]:
        """The places where the files may be, in the order in which they are asked."""
        variable = f"HARNESS_{self.name.upper().replace('-', '_')}_DIR"
        if named := os.environ.get(variable):
            if not expanded(named).is_dir():
                raise UserError(f"{variable} names {named}, which is not a folder: name one with the IDX files.")
            yield LocalFolder(expanded(named))
        if any(own_folder.glob("*.gz")):  # which the user has put there
            yield LocalFolder(own_folder)
        if self.package is not None:
            yield self.package
        for address in self.mirrors(progress):
            yield Mirror(address, own_folder)

    def mirrors(self, progress: Progress) -> list[str]:
        """The web folders that torchvision downloads from."""
        # Mirrors move, and torchvision's releases follow them. It does nothing else here: its MNIST reads the same
        # arrays but takes torch and seconds to import, knows the digests of one compressed form of the files only and
        # does not resume a download; its transforms are float32 arithmetic that differs between processors, where the
        # digests of the data need the same bytes on all of them.
        try:
            datasets = importlib.import_module("torchvision.datasets")
        except (ImportError, RuntimeError) as error:  # a torchvision for another torch raises either
            progress(f"torchvision cannot be imported, so that its mirrors are left out: {error}")
            return []
        return list(getattr(datasets, self.torchvision_name).mirrors)

    def _array(self, folder: Path, file: IdxFile, dimensions: int) -> np.ndarray:
        own_folder = folder / self.name
        content = required(own_folder, file, self.name)
        return idx.parse(content, where=str(own_folder / file.name), dimensions=dimensions)


@register("mnist")
class Mnist(IdxDataset):
    """Handwritten digits (LeCun, Cortes, Burges)."""

    name = "mnist"
    torchvision_name = "MNIST"
    files = _four(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    )

    def sources(self, own_folder: Path, progress: Progress) -> Iterator[Source]:
        yield from super().sources(own_folder, progress)
        yield Wheel()


@register("fashion-mnist")
class FashionMnist(IdxDataset):
    """Articles of clothing (Xiao, Rasul, Vollgraf 2017), in the format of MNIST.

    The digests are those of the files in Debian's package dataset-fashion-mnist. Debian compresses them again, so that
    the MD5 of its .gz files differs from torchvision's although the content is the same.
    """

    name = "fashion-mnist"
    torchvision_name = "FashionMNIST"
    package = SystemPackage(Path("/usr/share/datasets/fashion-mnist"), "dataset-fashion-mnist")
    files = _four(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    )
