import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from harness.data import Damaged
from harness.data import affnist_mat as official
from harness.errors import UserError


def written(path: Path, images: np.ndarray, labels: np.ndarray, **fields: np.ndarray | None) -> Path:
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
        archive.writestr("just_centered/test_batches/1.mat", b"centred")
        archive.writestr("training_and_validation_batches/1.mat", b"training")
        archive.writestr("test_batches/11.mat", b"eleven")
        archive.writestr("test_batches/1.mat", b"one")
    (tmp_path / "plain").write_bytes(b"one")
    assert official.extract(tmp_path / "a.zip", "1.mat", 10) == b"one"
    assert official.extract(tmp_path / "a.zip", "2.mat", 10) is None
    assert official.extract(tmp_path / "plain", "1.mat", 10) == b"one"


def zipped(path: Path, content: bytes = b"one" * 100) -> bytearray:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.mat", content)
    return bytearray(path.read_bytes())


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.__setitem__(slice(6, 8), b"\1\0") or raw.__setitem__(raw.find(CENTRAL) + 8, 1),  # encrypted
        lambda raw: raw.__setitem__(8, 97) or raw.__setitem__(raw.find(CENTRAL) + 10, 97),  # an unknown method
        lambda raw: raw.__setitem__(slice(35, 40), b"\xff" * 5),  # damaged content
        lambda raw: raw.__delitem__(slice(0, 20)),  # cut at its beginning
    ],
    ids=["encrypted", "method", "damaged", "cut"],
)
def test_broken_and_locked_archives_give_nothing(tmp_path: Path, change: Callable[[bytearray], object]) -> None:
    raw = zipped(tmp_path / "a.zip")
    change(raw)
    (tmp_path / "a.zip").write_bytes(raw)
    assert zipfile.is_zipfile(tmp_path / "a.zip")
    assert official.extract(tmp_path / "a.zip", "1.mat", 1000) is None


def test_no_more_is_extracted_than_the_file_can_have(tmp_path: Path) -> None:
    raw = zipped(tmp_path / "a.zip", bytes(100_000))
    assert official.extract(tmp_path / "a.zip", "1.mat", 99_999) is None
    raw[raw.find(CENTRAL) + 24 : raw.find(CENTRAL) + 28] = (10).to_bytes(4, "little")  # says that it is smaller
    (tmp_path / "a.zip").write_bytes(raw)
    assert official.extract(tmp_path / "a.zip", "1.mat", 99_999) is None
    (tmp_path / "plain").write_bytes(bytes(100_000))
    assert official.extract(tmp_path / "plain", "1.mat", 99_999) is None


def test_a_file_that_would_fill_the_memory_is_refused_before(images: np.ndarray, tmp_path: Path) -> None:
    path = written(tmp_path / "1.mat", images, LABELS, padding=np.zeros((40, 1000, 1000), np.uint8))
    savemat(path, {"affNISTdata": loadmat(path)["affNISTdata"]}, do_compression=True)
    assert path.stat().st_size < 2**18
    tracemalloc.start()
    with pytest.raises(Damaged, match="more than the"):
        official.read(path, 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_compressed_files_are_read(images: np.ndarray, tmp_path: Path) -> None:
    path = written(tmp_path / "1.mat", images, LABELS)
    savemat(path, {"affNISTdata": loadmat(path)["affNISTdata"]}, do_compression=True)
    assert np.array_equal(official.read(path, 4).examples.images, images)


def test_damage_of_any_kind_is_told_as_such(images: np.ndarray, tmp_path: Path) -> None:
    content = written(tmp_path / "1.mat", images, LABELS).read_bytes()
    random = np.random.RandomState(0)
    for _ in range(60):
        changed = bytearray(content)
        for at in random.randint(0, 600, 3):
            changed[at] = random.randint(256)
        (tmp_path / "1.mat").write_bytes(changed)
        with suppress(Damaged):
            official.read(tmp_path / "1.mat", 4)
