import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from harness.data import AffNist, Damaged, Mnist, affnist, idx
from harness.data import affnist_mat as official
from harness.data import affnist_rebuilt as affine
from harness.errors import UserError
from tests.harness.data.conftest import Site


def blocks(count: int, reach: int = 28) -> np.ndarray:
    """Images (n, 40, 40) of bright squares on black, whose distance from the middle varies as far as that of digits."""
    images = np.zeros((count, 40, 40), np.uint8)
    top = 14 + (np.arange(count) * 7 % (reach + 1)) - reach // 2
    for number, row in enumerate(top):
        images[number, row : row + 12, 12:26] = 7 + number % 200
    return images


def official_file(path: Path, count: int = 10_000, **fields: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.repeat(np.arange(10), official.TEST_COUNTS * max(1, count // 10_000))[:count]
    structure = {
        "image": blocks(count).reshape(count, 1600).T,
        "label_int": np.random.RandomState(0).permutation(labels)[None, :].astype(np.uint8),
        "human_readable_transform": np.tile(np.linspace(-20, 20, count), (6, 1)),
    }
    savemat(path, {"affNISTdata": structure | fields})
    return path


@pytest.fixture
def folder(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with MNIST and nothing of affNIST."""
    monkeypatch.delenv(affnist.URL_VARIABLE, raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mnist").symlink_to(data_dir / "mnist")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def rebuilt(data_dir: Path) -> bytes:
    """The file of the rebuilt images."""
    return idx.dump(affine.rebuild(Mnist().read(data_dir, "t10k").images))


def test_the_rebuild_stands_in_and_is_announced(folder: Path) -> None:
    said: list[str] = []
    AffNist().fetch(folder, said.append)
    assert any("affnist-rebuilt" in line for line in said)
    data = AffNist().load(folder)
    assert list(data.tests) == AffNist().test_names(folder) == ["affnist-rebuilt", "expanded-mnist"]
    assert data.tests["affnist-rebuilt"].images.shape == (10_000, 40, 40)
    assert np.array_equal(data.tests["affnist-rebuilt"].labels, data.tests["expanded-mnist"].labels)
    assert data.train.images.shape == (60_000, 28, 28)
    assert AffNist().remarks(folder) == []


def test_a_damaged_rebuild_is_made_anew(folder: Path) -> None:
    (folder / "affnist").mkdir()
    (folder / "affnist" / affnist.REBUILT.name).write_bytes(b"damaged")
    with pytest.raises(UserError, match="wrong SHA-256: run `python -m harness data fetch affnist`"):
        AffNist().load(folder)
    AffNist().fetch(folder, lambda message: None)
    assert "affnist-rebuilt" in AffNist().load(folder).tests
    assert (folder / "affnist" / f"{affnist.REBUILT.name}.rejected").read_bytes() == b"damaged"


@pytest.mark.parametrize("place", ["test_batches/1.mat", "1.mat", "32x/transformed/test_batches/1.mat"])
def test_the_official_batch_takes_its_place(folder: Path, place: str) -> None:
    rebuilt_digest = AffNist().digest(folder)
    official_file(folder / "affnist" / place)
    said: list[str] = []
    AffNist().fetch(folder, said.append)
    assert any("human_readable_transform row by row: -20..20" in line for line in said)
    data = AffNist().load(folder)
    assert list(data.tests) == AffNist().test_names(folder) == ["affnist", "expanded-mnist"]
    assert np.array_equal(data.tests["affnist"].images, blocks(10_000))
    assert AffNist().remarks(folder) == ["unverified file"]
    assert AffNist().digest(folder) != rebuilt_digest
    assert AffNist().digest(folder).startswith("affnist-official-")
    assert len(AffNist().digest(folder)) <= 36


def test_the_digest_follows_the_official_file(folder: Path) -> None:
    path = official_file(folder / "affnist/1.mat")
    before = AffNist().digest(folder)
    path.write_bytes(path.read_bytes() + b"\0")
    assert AffNist().digest(folder) != before


def test_a_change_that_keeps_size_and_time_is_seen(folder: Path) -> None:
    path = official_file(folder / "affnist/1.mat")
    before, stat, content = AffNist().digest(folder), path.stat(), bytearray(path.read_bytes())
    content[-20_000] ^= 1
    with open(path, "r+b") as file:
        file.write(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert AffNist().digest(folder) != before


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"image": np.random.RandomState(0).randint(0, 256, (1600, 10_000), np.uint8)}, "not digits on black"),
        ({"image": np.full((1600, 10_000), 7, np.uint8)}, "not digits on black"),
        ({"image": np.zeros((1600, 10_000), np.uint8)}, "not digits on black"),
        ({"label_int": (np.arange(10_000) % 10)[None, :]}, "labels are not those of MNIST's test set"),
        ({"image": blocks(10_000, reach=8).reshape(10_000, 1600).T}, "stand in the middle, as in 'just_centered'"),
    ],
)
def test_a_file_that_cannot_be_affnist_is_refused(folder: Path, fields: dict, words: str) -> None:
    official_file(folder / "affnist/1.mat", **fields)
    for read in (lambda: AffNist().fetch(folder, print), lambda: AffNist().load(folder)):
        with pytest.raises(Damaged, match=words):
            read()


def test_the_centred_digits_are_never_taken(folder: Path, rebuilt: bytes) -> None:
    official_file(folder / "affnist/32x/just_centered/test_batches/1.mat")
    (folder / "affnist" / affnist.REBUILT.name).write_bytes(rebuilt)
    AffNist().fetch(folder, print)
    assert AffNist().test_names(folder)[0] == "affnist-rebuilt"


def test_the_published_archive_is_unpacked_where_it_lies(folder: Path) -> None:
    member = official_file(folder / "elsewhere/1.mat")
    archive = folder / "affnist/test_batches.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(member, "just_centered/test_batches/1.mat")
        opened.write(member, "training_batches/1.mat")
        opened.write(member, "32x/transformed/test_batches/1.mat")
    AffNist().fetch(folder, print)
    assert AffNist().test_names(folder)[0] == "affnist"
    assert archive.is_file()


def test_nothing_that_lies_there_is_overwritten(
    folder: Path, site: Site, monkeypatch: pytest.MonkeyPatch, rebuilt: bytes
) -> None:
    place = folder / "affnist/test_batches"
    place.mkdir(parents=True)
    (folder / "affnist" / affnist.REBUILT.name).write_bytes(rebuilt)
    mine = {"download": b"mine", "1.mat.rejected": b"mine too"}
    for name, content in mine.items():
        (place / name).write_bytes(content)
    site.files = {"1.mat": b"<html>gone</html>"}
    monkeypatch.setenv(affnist.URL_VARIABLE, f"{site.address}/1.mat")
    for _ in range(2):
        AffNist().fetch(folder, print)
    assert {name: (place / name).read_bytes() for name in mine} == mine
    assert (place / "1.mat.rejected-2").read_bytes() == b"<html>gone</html>"
    assert not (place / "1.mat.rejected-3").exists()


def test_all_320000_have_a_name_of_their_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affnist, "ALL", 20_000)
    official_file(folder / "affnist/test.mat", 20_000)
    assert AffNist().test_names(folder) == ["affnist-320000", "expanded-mnist"]
    official_file(folder / "affnist/1.mat")
    assert AffNist().test_names(folder) == ["affnist", "affnist-320000", "expanded-mnist"]
    tests = AffNist().load(folder).tests
    assert [len(test) for test in tests.values()] == [10_000, 20_000, 10_000]


def test_a_wrong_official_file_is_no_reason_to_take_the_rebuild(folder: Path) -> None:
    official_file(folder / "affnist/1.mat", 60)
    with pytest.raises(UserError, match="not an affNIST file of 10,000 images"):
        AffNist().fetch(folder, lambda message: None)


def test_the_official_file_comes_from_the_address_given(
    folder: Path, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = official_file(tmp_path / "test_batches/1.mat")
    archive = shutil.make_archive(str(tmp_path / "batches"), "zip", tmp_path, "test_batches")
    site.files = {"plain.mat": path.read_bytes(), "batches.zip": Path(archive).read_bytes()}
    for name in site.files:
        monkeypatch.setenv(affnist.URL_VARIABLE, f"{site.address}/{name}")
        AffNist().fetch(folder, lambda message: None)
        assert AffNist().test_names(folder)[0] == "affnist"
        (folder / "affnist/test_batches/1.mat").unlink()


@pytest.mark.parametrize("content", [None, b"<html>gone</html>"])
def test_an_address_without_the_file_leads_to_the_rebuild(
    folder: Path, rebuilt: bytes, site: Site, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    site.files = {} if content is None else {"1.mat": content}
    monkeypatch.setenv(affnist.URL_VARIABLE, f"{site.address}/1.mat")
    said: list[str] = []
    (folder / "affnist").mkdir()
    (folder / "affnist" / affnist.REBUILT.name).write_bytes(rebuilt)  # spares the computation
    AffNist().fetch(folder, said.append)
    assert "404" in said[0] if content is None else "not an affNIST file" in said[0]
    assert AffNist().test_names(folder)[0] == "affnist-rebuilt"
