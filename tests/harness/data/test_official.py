import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from harness.data import official
from harness.errors import UserError


def written(path: Path, images: np.ndarray, labels: np.ndarray, **fields: np.ndarray) -> Path:
    """A file in the layout of affNIST: images (n, 40, 40) as the columns of (1600, n)."""
    count = len(labels)
    structure = {
        "image": np.stack([image.reshape(-1) for image in images], axis=1),
        "label_int": labels[None, :].astype(np.uint8),
        "label_one_of_n": np.eye(10)[:, labels],
        "human_readable_transform": np.arange(6 * count, dtype=float).reshape(6, count),
        "this_transfo_id": np.arange(1, count + 1)[None, :],
    } | fields
    savemat(path, {"affNISTdata": {key: value for key, value in structure.items() if value is not None}})
    return path


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 40, 40)).astype(np.uint8)


LABELS = np.array([3, 0, 9, 1])


def test_images_labels_and_transforms_are_read(images: np.ndarray, tmp_path: Path) -> None:
    read = official.read(written(tmp_path / "1.mat", images, LABELS), 4)
    assert np.array_equal(read.examples.images, images)
    assert read.examples.images.dtype == read.examples.labels.dtype == np.uint8
    assert read.examples.labels.tolist() == [3, 0, 9, 1]
    assert read.transforms is not None
    assert read.transforms[1].tolist() == [4, 5, 6, 7]


def test_transforms_may_be_missing(images: np.ndarray, tmp_path: Path) -> None:
    path = written(tmp_path / "1.mat", images, LABELS, human_readable_transform=None)
    assert official.read(path, 4).transforms is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"image": np.zeros((784, 4), np.uint8)}, r"\(784, 4\)"),
        ({"image": np.zeros((1600, 4))}, "float64"),
        ({"label_int": np.array([[1, 2, 3, 10]])}, "digits 0..9"),
        ({"label_int": np.array([[1, 2, 3]])}, "digits 0..9"),
        ({"label_int": None}, "label_int"),
    ],
)
def test_another_layout_is_refused(images: np.ndarray, tmp_path: Path, fields: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        official.read(written(tmp_path / "1.mat", images, LABELS, **fields), 4)


def test_another_number_of_images_is_refused(images: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not an affNIST file of 10,000 images"):
        official.read(written(tmp_path / "1.mat", images, LABELS), 10_000)


@pytest.mark.parametrize("content", [b"", b"<html>gone</html>" * 20, b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.mat").write_bytes(content)
    with pytest.raises(UserError, match=r"1\.mat is not an affNIST file"):
        official.read(tmp_path / "1.mat", 4)


def test_a_file_that_is_cut_off_is_refused(images: np.ndarray, tmp_path: Path) -> None:
    path = written(tmp_path / "1.mat", images, LABELS)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(UserError, match="is not an affNIST file"):
        official.read(path, 4)


def test_other_variables_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "1.mat", {"x": 1})
    with pytest.raises(UserError, match="affNISTdata"):
        official.read(tmp_path / "1.mat", 4)


def test_extraction_from_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("test_batches/11.mat", b"eleven")
        archive.writestr("test_batches/1.mat", b"one")
    (tmp_path / "plain").write_bytes(b"one")
    assert official.extract(tmp_path / "a.zip", "1.mat") == b"one"
    assert official.extract(tmp_path / "a.zip", "2.mat") is None
    assert official.extract(tmp_path / "plain", "1.mat") == b"one"
