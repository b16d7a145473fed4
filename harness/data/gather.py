"""Fetch the files of a dataset from the first source that has them; whatever the source, the digest decides."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.data import disk
from harness.data.dataset import Progress
from harness.data.sources import DOWNLOAD, Source, SourceClosed, SourceFailed
from harness.data.verification import IdxFile, missing
from harness.errors import UserError
from harness.files import write_whole


def gather(folder: Path, files: Sequence[IdxFile], sources: Iterable[Source], progress: Progress) -> None:
    """Bring the files into the folder, from each source in turn those that are still missing.

    A complete folder is not written to, and no source is asked once the folder is complete. A file with a wrong
    digest, whether found in the folder or downloaded, is kept as NAME.rejected, beside any that was kept before.

    Raises:
        UserError: no source has them, or the folder cannot be written.
    """
    if not missing(folder, files):
        return
    with disk.writing(folder), disk.locked(folder, progress):
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


def set_aside_damaged(folder: Path, files: Sequence[IdxFile], progress: Progress) -> None:
    """Rename the files whose content is wrong to NAME.rejected, as they may be the user's own."""
    for file in missing(folder, files):
        path = folder / file.name
        if path.exists():
            kept = disk.rejected(path)
            os.replace(path, kept)
            progress(f"{path} has a wrong SHA-256 and is kept as {kept}")


def _take(folder: Path, wanted: list[IdxFile], source: Source, progress: Progress) -> list[str]:
    """Store what the source has of the wanted files; returns the reasons for the others."""
    refusals = []
    for file in wanted:
        path = folder / file.name
        try:
            content = source.read(file, progress)
            if not file.has(content):
                kept = disk.keep_rejected(path, content)
                raise SourceFailed(f"its {file.name} has a wrong SHA-256 and is kept as {kept}")
        except SourceFailed as failure:
            refusals.append(f"{source.label}: {failure}")
            progress(refusals[-1])
            if isinstance(failure, SourceClosed):
                break
        else:
            write_whole(path, content)
            progress(f"{file.name}: verified, from {source.label}")
    return refusals
