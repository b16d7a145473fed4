"""affNIST: trained on expanded MNIST, tested on digits under affine transforms that training never showed.

The official test files are used where the user has them: `affnist/test_batches/1.mat` (10,000 images, every
test digit once) and, if there, `affnist/test.mat` (all 320,000), or both under `affnist/32x/transformed/`, as they are
published. Their host is often down, so otherwise a deterministic rebuild stands in, under a name of its own:
`affnist-rebuilt`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.data import affnist_mat as official
from harness.data import affnist_rebuilt as affine
from harness.data import digest_cache, disk, expanded_mnist, idx
from harness.data.dataset import Dataset, Examples, Progress, TaskData, register
from harness.data.download import DownloadFailed, download
from harness.data.errors import Damaged
from harness.data.gather import set_aside_damaged
from harness.data.mnist import Mnist
from harness.data.sources import DOWNLOAD
from harness.data.verification import IdxFile, confirmed, missing, required
from harness.errors import UserError
from harness.files import write_whole

URL_VARIABLE = "HARNESS_AFFNIST_URL"
URL_LIMIT = 2 << 30  # bytes
PLACES = ("", "32x/transformed", "transformed")  # in the folder `affnist`; never `just_centered`, which is another set
UNVERIFIED = "unverified file"  # no digest of the official files is known here
BATCH, ALL = 10_000, 320_000

AFFNIST_REBUILT_SHA256 = "95686e5fd84da132696d0d36271f987f8dcf7b59e87e3dfcc2a27aa2815c9fa4"
REBUILT = IdxFile("rebuilt-test-images-idx3-ubyte", 16 + BATCH * affine.CANVAS * affine.CANVAS, AFFNIST_REBUILT_SHA256)


@register("affnist")
class AffNist(Dataset):
    """Trained as expanded MNIST is, tested on affNIST first and on expanded MNIST second."""

    name = "affnist"
    image_size = affine.CANVAS
    classes = 10
    train_size = 60_000

    def digest(self, folder: Path) -> str:
        files = official_files(folder)
        identities = [expanded_mnist.ExpandedMnist().digest(folder)]
        identities += [f"{name} {_sha256(path)}" for name, (path, _) in files.items()]
        if not files:
            identities.append(AFFNIST_REBUILT_SHA256)
        kind = "official" if files else f"rebuilt-v{affine.VERSION}"
        return f"{self.name}-{kind}-{hashlib.sha256(' '.join(identities).encode()).hexdigest()[:16]}"

    def test_names(self, folder: Path) -> list[str]:
        return [*(official_files(folder) or ["affnist-rebuilt"]), "expanded-mnist"]

    def remarks(self, folder: Path) -> list[str]:
        return [UNVERIFIED] if official_files(folder) else []

    def fetch(self, folder: Path, progress: Progress) -> None:
        Mnist().fetch(folder, progress)
        try:
            _bring_official(folder, progress)
        except UserError as error:  # of a folder that can only be read, where the rebuilt set may be all the same
            progress(str(error))
        files = official_files(folder)
        if "affnist" in files:
            _announce(official.read_test_set(*files["affnist"]), progress)
        if not files:
            progress(
                f"no official affNIST file in {folder / self.name}: "
                f"the test set is the rebuilt one, and is called affnist-rebuilt"
            )
            _fetch_rebuilt(folder, progress)

    def load(self, folder: Path) -> TaskData:
        files = official_files(folder)
        for path, _ in files.values():
            _sha256(path, is_fresh=True)  # so that the digest is that of what is read
        tests = {name: official.read_test_set(path, count).examples for name, (path, count) in files.items()}
        if not files:
            tests["affnist-rebuilt"] = _rebuilt(folder)
        tests["expanded-mnist"] = expanded_mnist.expanded_test(folder)
        return TaskData(train=Mnist().read(folder, "train"), tests=tests)


def official_files(folder: Path) -> dict[str, tuple[Path, int]]:
    """The official files that are there, with the number of their images, by name of the test."""
    place = folder / "affnist"
    candidates = {
        "affnist": (["test_batches/1.mat", "1.mat"], BATCH),
        "affnist-320000": (["test.mat"], ALL),
    }
    found = {}
    for name, (names, count) in candidates.items():
        paths = [place / where / each for where in PLACES for each in names]
        there = [path for path in paths if path.is_file()]
        if there:
            found[name] = (there[0], count)
    return found


def _bring_official(folder: Path, progress: Progress) -> None:
    """Try to bring batch 1 where it is not there: from an archive in the folder, then from the address given.

    Raises:
        UserError: the folder cannot be written.
    """
    for archive in _archives(folder):
        if "affnist" not in official_files(folder):
            _unpack_official(folder, archive, progress)
    address = os.environ.get(URL_VARIABLE)
    if address and "affnist" not in official_files(folder):
        _fetch_official(folder, address, progress)


def _archives(folder: Path) -> list[Path]:
    """The published archives of the test batches that are there."""
    paths = [folder / "affnist" / where / "test_batches.zip" for where in PLACES]
    return [path for path in paths if path.is_file()]


def _sha256(path: Path, *, is_fresh: bool = False) -> str:
    try:
        return digest_cache.fresh_sha256(path) if is_fresh else digest_cache.cached_sha256(path)
    except OSError as error:
        raise Damaged(
            f"{path} cannot be read ({error.strerror}): mend it, or remove it to use the rebuilt set."
        ) from error


def _fetch_official(folder: Path, address: str, progress: Progress) -> None:
    """Try to bring batch 1 from an address, as a .mat file or as a zip archive with 1.mat in it."""
    place = folder / "affnist" / "test_batches"
    came = place / f"{DOWNLOAD}1.mat"
    with disk.writing(place), disk.locked(place, progress):
        if (place / "1.mat").is_file():
            return
        try:
            download(address, came, progress, limit=URL_LIMIT)
        except DownloadFailed as failure:
            progress(f"the official affNIST file did not come: {failure}")
            return
        _take_official(came, place / "1.mat", address, progress)
        came.unlink()


def _unpack_official(folder: Path, archive: Path, progress: Progress) -> None:
    """Take batch 1 out of an archive that the user has put into the folder."""
    place = folder / "affnist" / "test_batches"
    with disk.writing(place), disk.locked(place, progress):
        _take_official(archive, place / "1.mat", str(archive), progress)


def _take_official(came: Path, path: Path, origin: str, progress: Progress) -> None:
    """Put the batch that has come, as it is or in an archive, where it belongs, unless it is something else."""
    content = official.extract(came, path.name, official.largest(BATCH))
    if content is None:
        progress(f"{origin} is an archive without a sound {path.name}")
        return
    kept = disk.keep_rejected(path, content)
    try:
        official.read_test_set(kept, BATCH)
    except UserError as error:
        progress(str(error))
        return
    os.replace(kept, path)


def _announce(batch: official.Official, progress: Progress) -> None:
    """Say over what ranges the official transforms go, to be held against those of the rebuild."""
    if batch.transforms is None:
        return
    ranges = ", ".join(f"{row.min():.3g}..{row.max():.3g}" for row in batch.transforms)
    progress(
        f"official affNIST, human_readable_transform row by row: {ranges}; the rebuilt set has "
        f"rotation ±20°, shear ±{affine.SHEAR}, scales {affine.SCALE[0]}..{affine.SCALE[1]}"
    )


def _fetch_rebuilt(folder: Path, progress: Progress) -> None:
    place = folder / "affnist"
    if not missing(place, [REBUILT]):
        return
    content = idx.dump(affine.rebuild(Mnist().read(folder, "t10k").images))
    with disk.writing(place):
        set_aside_damaged(place, [REBUILT], progress)
        write_whole(place / REBUILT.name, confirmed(content, REBUILT))
    progress(f"{REBUILT.name}: rebuilt and verified")


def _rebuilt(folder: Path) -> Examples:
    place = folder / "affnist"
    content = required(place, REBUILT, "affnist")
    images = idx.parse(content, where=str(place / REBUILT.name), dimensions=3)
    return Examples(images, Mnist().read(folder, "t10k").labels)
