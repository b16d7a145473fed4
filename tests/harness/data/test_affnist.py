import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from harness.data import AffNist, Mnist, affine, affnist, idx
from harness.errors import UserError


def official_file(path: Path, count: int = 10_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = {
        "image": np.full((1600, count), 7, np.uint8),
        "label_int": (np.arange(count) % 10)[None, :].astype(np.uint8),
        "human_readable_transform": np.tile(np.linspace(-20, 20, count), (6, 1)),
    }
    savemat(path, {"affNISTdata": fields})
    return path


@pytest.fixture
def folder(data_dir: Path, tmp_path: Path, monkeypatch) -> Path:
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


def test_a_damaged_rebuild_is_made_anew(folder: Path) -> None:
    (folder / "affnist").mkdir()
    (folder / "affnist" / affnist.REBUILT.name).write_bytes(b"damaged")
    with pytest.raises(UserError, match="wrong SHA-256: run `python -m harness data fetch affnist`"):
        AffNist().load(folder)
    AffNist().fetch(folder, lambda message: None)
    assert "affnist-rebuilt" in AffNist().load(folder).tests


@pytest.mark.parametrize("place", ["test_batches/1.mat", "1.mat"])
def test_the_official_batch_takes_its_place(folder: Path, place: str) -> None:
    rebuilt_digest = AffNist().digest(folder)
    official_file(folder / "affnist" / place)
    said: list[str] = []
    AffNist().fetch(folder, said.append)
    assert any("human_readable_transform row by row: -20..20" in line for line in said)
    data = AffNist().load(folder)
    assert list(data.tests) == AffNist().test_names(folder) == ["affnist", "expanded-mnist"]
    assert (data.tests["affnist"].images == 7).all()
    assert AffNist().digest(folder) != rebuilt_digest
    assert AffNist().digest(folder).startswith("affnist-official-")
    assert len(AffNist().digest(folder)) <= 36


def test_the_digest_follows_the_official_file(folder: Path) -> None:
    path = official_file(folder / "affnist/1.mat")
    before = AffNist().digest(folder)
    path.write_bytes(path.read_bytes() + b"\0")
    assert AffNist().digest(folder) != before


def test_all_320000_have_a_name_of_their_own(folder: Path, monkeypatch) -> None:
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


def test_the_official_file_comes_from_the_address_given(folder: Path, site, tmp_path: Path, monkeypatch) -> None:
    path = official_file(tmp_path / "test_batches/1.mat")
    archive = shutil.make_archive(str(tmp_path / "batches"), "zip", tmp_path, "test_batches")
    site.files = {"plain.mat": path.read_bytes(), "batches.zip": Path(archive).read_bytes()}
    for name in site.files:
        monkeypatch.setenv(affnist.URL_VARIABLE, f"{site.address}/{name}")
        AffNist().fetch(folder, lambda message: None)
        assert AffNist().test_names(folder)[0] == "affnist"
        (folder / "affnist/test_batches/1.mat").unlink()


@pytest.mark.parametrize("content", [None, b"<html>gone</html>"])
def test_an_address_without_the_file_leads_to_the_rebuild(folder, rebuilt, site, monkeypatch, content) -> None:
    site.files = {} if content is None else {"1.mat": content}
    monkeypatch.setenv(affnist.URL_VARIABLE, f"{site.address}/1.mat")
    said: list[str] = []
    (folder / "affnist").mkdir()
    (folder / "affnist" / affnist.REBUILT.name).write_bytes(rebuilt)  # spares the computation
    AffNist().fetch(folder, said.append)
    assert "404" in said[0] if content is None else "not an affNIST file" in said[0]
    assert AffNist().test_names(folder)[0] == "affnist-rebuilt"
