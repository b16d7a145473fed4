"""affNIST: trained on expanded MNIST, tested on digits under affine transforms that do not occur in training.

The official test files are used if they are in the data folder: `affnist/test_batches/1.mat` (10,000 images, every
test digit once) and `affnist/test.mat` (all 320,000), or both under `affnist/32x/transformed/`, as they are published.
Their host is often down; without them the test set is a deterministic rebuild with a name of its own,
`affnist-rebuilt`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.data import affnist_mat, affnist_rebuilt, disk, expanded_mnist, idx
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
PLACES = ("", "32x/transformed", "transformed")  # in the folder `affnist`; `just_centered` is another test set
UNVERIFIED = "unverified file"  # no digest of the official files is known
BATCH, ALL = 10_000, 320_000

AFFNIST_REBUILT_SHA256 = "95686e5fd84da132696d0d36271f987f8dcf7b59e87e3dfcc2a27aa2815c9fa4"
REBUILT = IdxFile(
    "rebuilt-test-images-idx3-ubyte",
    16 + BATCH * affnist_rebuilt.CANVAS * affnist_rebuilt.CANVAS,
    AFFNIST_REBUILT_SHA256,
)


@register("affnist")
class AffNist(Dataset):
    """Trained like expanded MNIST, tested on affNIST first and on expanded MNIST second."""

    name = "affnist"
    image_size = affnist_rebuilt.CANVAS
    classes = 10
    train_size = 60_000

    def digest(self, folder: Path) -> str:
        files = official_files(folder)
        identities = [expanded_mnist.ExpandedMnist().digest(folder)]
        identities += [f"{name} {_sha256(path)}" for name, (path, _) in files.items()]
        if not files:
            identities.append(AFFNIST_REBUILT_SHA256)
        kind = "official" if files else f"rebuilt-v{affnist_rebuilt.VERSION}"
        return f"{self.name}-{kind}-{hashlib.sha256(' '.join(identities).encode()).hexdigest()[:16]}"

    def test_names(self, folder: Path) -> list[str]:
        return [*(official_files(folder) or ["affnist-rebuilt"]), "expanded-mnist"]

    def remarks(self, folder: Path) -> list[str]:
        return [UNVERIFIED] if official_files(folder) else []

    def fetch(self, folder: Path, progress: Progress) -> None:
        Mnist().fetch(folder, progress)
        try:
            _bring_official(folder, progress)
        except UserError as error:  # a folder that can only be read may have the rebuilt set already
            progress(str(error))
        files = official_files(folder)
        if "affnist" in files:
            _announce(affnist_mat.read_test_set(*files["affnist"]), progress)
        if not files:
            progress(
                f"no official affNIST file in {folder / self.name}: "
                f"the test set is the rebuilt one, and is called affnist-rebuilt"
            )
            _fetch_rebuilt(folder, progress)

    def load(self, folder: Path) -> TaskData:
        files = official_files(folder)
        tests = {name: affnist_mat.read_test_set(path, count).examples for name, (path, count) in files.items()}
        if not files:
            tests["affnist-rebuilt"] = _rebuilt(folder)
        tests["expanded-mnist"] = expanded_mnist.expanded_test(folder)
        return TaskData(train=Mnist().read(folder, "train"), tests=tests)


def official_files(folder: Path) -> dict[str, tuple[Path, int]]:
    """The official files in the data folder: path and number of images, by name of the test."""
    own_folder = folder / "affnist"
    candidates = {
        "affnist": (["test_batches/1.mat", "1.mat"], BATCH),
        "affnist-320000": (["test.mat"], ALL),
    }
    found = {}
    for name, (names, count) in candidates.items():
        paths = [own_folder / where / each for where in PLACES for each in names]
        there = [path for path in paths if path.is_file()]
        if there:
            found[name] = (there[0], count)
    return found


def _bring_official(folder: Path, progress: Progress) -> None:
    """Get batch 1, if it is missing, from an archive in the data folder, else from the URL in `HARNESS_AFFNIST_URL`.

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
    """The published archives of the test batches in the data folder."""
    paths = [folder / "affnist" / where / "test_batches.zip" for where in PLACES]
    return [path for path in paths if path.is_file()]


def _sha256(path: Path) -> str:
    try:
        with disk.opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Damaged(
            f"{path} cannot be read ({error.strerror}): fix it, or remove it to use the rebuilt set."
        ) from error


def _fetch_official(folder: Path, address: str, progress: Progress) -> None:
    """Download batch 1, as a .mat file or as a zip archive with 1.mat in it; a failure is reported to `progress`."""
    own_folder = folder / "affnist" / "test_batches"
    downloaded = own_folder / f"{DOWNLOAD}1.mat"
    with disk.writing(own_folder), disk.locked(own_folder, progress):
        if (own_folder / "1.mat").is_file():
            return
        try:
            download(address, downloaded, progress, limit=URL_LIMIT)
        except DownloadFailed as failure:
            progress(f"the official affNIST file cannot be downloaded: {failure}")
            return
        _take_official(downloaded, own_folder / "1.mat", address, progress)
        downloaded.unlink()


def _unpack_official(folder: Path, archive: Path, progress: Progress) -> None:
    """Extract batch 1 from an archive that the user has put into the data folder."""
    own_folder = folder / "affnist" / "test_batches"
    with disk.writing(own_folder), disk.locked(own_folder, progress):
        _take_official(archive, own_folder / "1.mat", str(archive), progress)


def _take_official(file: Path, path: Path, origin: str, progress: Progress) -> None:
    """Move the batch in a file, as it is or in an archive, to its path; any other content is kept as NAME.rejected."""
    content = affnist_mat.extract(file, path.name, affnist_mat.largest(BATCH))
    if content is None:
        progress(f"{origin} is an archive without a sound {path.name}")
        return
    kept = disk.keep_rejected(path, content)
    try:
        affnist_mat.read_test_set(kept, BATCH)
    except UserError as error:
        progress(str(error))
        return
    os.replace(kept, path)


def _announce(batch: affnist_mat.Official, progress: Progress) -> None:
    """Report the ranges of the official transforms, for comparison with those of the rebuild."""
    if batch.transforms is None:
        return
    ranges = ", ".join(f"{row.min():.3g}..{row.max():.3g}" for row in batch.transforms)
    progress(
        f"official affNIST, human_readable_transform row by row: {ranges}; the rebuilt set has "
        f"rotation ±20°, shear ±{affnist_rebuilt.SHEAR}, scales {affnist_rebuilt.SCALE[0]}..{affnist_rebuilt.SCALE[1]}"
    )


def _fetch_rebuilt(folder: Path, progress: Progress) -> None:
    own_folder = folder / "affnist"
    if not missing(own_folder, [REBUILT]):
        return
    content = idx.dump(affnist_rebuilt.rebuild(Mnist().read(folder, "t10k").images))
    with disk.writing(own_folder):
        set_aside_damaged(own_folder, [REBUILT], progress)
        write_whole(own_folder / REBUILT.name, confirmed(content, REBUILT))
    progress(f"{REBUILT.name}: rebuilt and verified")


def _rebuilt(folder: Path) -> Examples:
    own_folder = folder / "affnist"
    content = required(own_folder, REBUILT, "affnist")
    images = idx.parse(content, where=str(own_folder / REBUILT.name), dimensions=3)
    return Examples(images, Mnist().read(folder, "t10k").labels)
