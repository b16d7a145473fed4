"""Arrays in files: any name and type of number comes back, and a bad file takes no memory."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from harness.record import arrays
from harness.record.arrays import Damaged, read_arrays, write_arrays


def test_what_is_written_is_read_here_and_by_numpy(tmp_path: Path) -> None:
    path = tmp_path / "some.npz"
    given: dict[str, np.ndarray] = {
        "file": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "a/b": np.array([], np.float32),
        "ü": np.array(True),
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }
    write_arrays(path, given)
    found = read_arrays(path)
    assert list(found) == list(given)
    with np.load(path, allow_pickle=False) as file:
        for name, array in given.items():
            for each in (found[name], file[name]):
                assert each.dtype == array.dtype
                assert np.array_equal(each, array)


def forged(path: Path, header: dict[str, Any], content: bytes = b"") -> Path:
    """An archive with an array whose header says anything."""
    text = io.BytesIO()
    npy.write_array_header_1_0(text, header)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", text.getvalue() + content)
    return path


def test_what_would_unpack_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, a=np.zeros(2**19, np.uint8), b=np.zeros(2**19, np.uint8))
    assert path.stat().st_size < 3000
    monkeypatch.setattr(arrays, "MAX_ARRAY_BYTES", 2**20 - 1)

    def never(*_: object) -> None:
        raise AssertionError("an array was read")

    monkeypatch.setattr(arrays, "_read", never)
    with pytest.raises(Damaged, match="more than 0 MiB"):
        read_arrays(path)


@pytest.mark.parametrize(
    "header",
    [
        {"descr": "|u1", "fortran_order": False, "shape": (2**60,)},
        {"descr": "|u1", "fortran_order": False, "shape": (2**40, 2**40)},
        {"descr": "|u1", "fortran_order": False, "shape": (-5,)},
        {"descr": "|O", "fortran_order": False, "shape": (1,)},
        {"descr": "|V0", "fortran_order": False, "shape": (2**60,)},
        {"descr": "<U9", "fortran_order": False, "shape": (1,)},
        {"descr": "|u1", "fortran_order": False, "shape": (8,)},  # and there is nothing behind it
    ],
)
def test_headers_that_lie(tmp_path: Path, header: dict[str, object]) -> None:
    with pytest.raises(Damaged):
        read_arrays(forged(tmp_path / "x.npz", header))


def test_no_code_of_a_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "owned",))

    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    with pytest.raises(Damaged, match="something else than numbers"):
        read_arrays(forged(tmp_path / "x.npz", header, pickle.dumps([Evil()])))
    assert not (tmp_path / "owned").exists()


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "some.npz"
    write_arrays(path, {"a": np.random.default_rng(0).integers(0, 256, 4000).astype(np.uint8)})
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for content in (b"", b"nothing", whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(Damaged):
            read_arrays(path)
    with pytest.raises(Damaged):
        read_arrays(tmp_path / "absent.npz")
