"""affNIST: trained on expanded MNIST, tested on digits under affine transforms that training never showed.

The official test files are used where the user has them: `affnist/test_batches/1.mat` (10,000 images, every
test digit once) and, if there, `affnist/test.mat` (all 320,000). Their host is often down, so otherwise a
deterministic rebuild stands in, under a name of its own: `affnist-rebuilt`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.data import affine, expanded, fingerprint, idx, official, sources, store
from harness.data.dataset import Dataset, Examples, Progress, TaskData, register
from harness.data.download import DownloadFailed, download
from harness.data.mnist import Mnist
from harness.data.sources import IdxFile
from harness.errors import UserError

URL_VARIABLE = "HARNESS_AFFNIST_URL"
URL_LIMIT = 2 << 30  # bytes
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
        identities = [expanded.ExpandedMnist().digest(folder)]
        identities += [f"{name} {fingerprint.sha256_of(path)}" for name, (path, _) in files.items()]
        if not files:
            identities.append(AFFNIST_REBUILT_SHA256)
        kind = "official" if files else f"rebuilt-v{affine.VERSION}"
        return f"{self.name}-{kind}-{hashlib.sha256(' '.join(identities).encode()).hexdigest()[:16]}"

    def test_names(self, folder: Path) -> list[str]:
        return [*(official_files(folder) or ["affnist-rebuilt"]), "expanded-mnist"]

    def fetch(self, folder: Path, progress: Progress) -> None:
        Mnist().fetch(folder, progress)
        address = os.environ.get(URL_VARIABLE)
        if address and "affnist" not in official_files(folder):
            _fetch_official(folder, address, progress)
        files = official_files(folder)
        if "affnist" in files:
            _announce(official.read(*files["affnist"]), progress)
        if not files:
            progress(
                f"no official affNIST file in {folder / self.name}: "
                f"the test set is the rebuilt one, and is called affnist-rebuilt"
            )
            _fetch_rebuilt(folder, progress)

    def load(self, folder: Path) -> TaskData:
        files = official_files(folder)
        tests = {name: official.read(path, count).examples for name, (path, count) in files.items()}
        if not files:
            tests["affnist-rebuilt"] = _rebuilt(folder)
        tests["expanded-mnist"] = expanded.expanded_test(folder)
        return TaskData(train=Mnist().read(folder, "train"), tests=tests)


def official_files(folder: Path) -> dict[str, tuple[Path, int]]:
    """The official files that are there, with the number of their images, by name of the test."""
    place = folder / "affnist"
    candidates = {
        "affnist": ([place / "test_batches" / "1.mat", place / "1.mat"], BATCH),
        "affnist-320000": ([place / "test.mat"], ALL),
    }
    found = {}
    for name, (paths, count) in candidates.items():
        there = [path for path in paths if path.is_file()]
        if there:
            found[name] = (there[0], count)
    return found


def _fetch_official(folder: Path, address: str, progress: Progress) -> None:
    """Try to bring batch 1 from an address, as a .mat file or as a zip archive with 1.mat in it."""
    place = folder / "affnist" / "test_batches"
    came, path = place / "download", place / "1.mat"
    with store.writing(place), store.locked(place, progress):
        if path.is_file():
            return
        try:
            download(address, came, progress, limit=URL_LIMIT)
        except DownloadFailed as failure:
            progress(f"the official affNIST file did not come: {failure}")
            return
        content = official.extract(came, path.name)
        came.unlink()
        if content is None:
            progress(f"{address} is an archive without a sound {path.name}")
            return
        store.write(store.rejected(path), content)
        try:
            official.read(store.rejected(path), BATCH)
        except UserError as error:
            progress(str(error))
            return
        os.replace(store.rejected(path), path)


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
    if not sources.missing(place, [REBUILT]):
        return
    content = idx.dump(affine.rebuild(Mnist().read(folder, "t10k").images))
    with store.writing(place):
        store.write(place / REBUILT.name, sources.confirmed(content, REBUILT))
    progress(f"{REBUILT.name}: rebuilt and verified")


def _rebuilt(folder: Path) -> Examples:
    place = folder / "affnist"
    content = sources.required(place, REBUILT, "affnist")
    images = idx.parse(content, where=str(place / REBUILT.name), dimensions=3)
    return Examples(images, Mnist().read(folder, "t10k").labels)
