import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from harness.data import Mnist, idx
from harness.data import affnist_rebuilt as affine
from harness.data.affnist import AFFNIST_REBUILT_SHA256
from harness.data.placement import bounds


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> np.ndarray:
    return Mnist().read(data_dir, "t10k").images


@pytest.fixture(scope="module")
def rebuilt(digits: np.ndarray) -> np.ndarray:
    return affine.rebuild(digits)


def by_hand(image: np.ndarray, size: int, rotation: float, shear: float, scale_x: float, scale_y: float) -> np.ndarray:
    """One transformed digit in the middle of a canvas, pixel by pixel, the matrix inverted numerically.

    The forward map is rotation · shear · scale; x to the right, y down, rotation counter-clockwise as seen.
    """
    c, s = math.cos(rotation), math.sin(rotation)
    forward = np.array([[c, s], [-s, c]]) @ np.array([[1, shear], [0, 1]]) @ np.diag([scale_x, scale_y])
    backward = np.linalg.inv(forward)
    rows, columns = np.nonzero(image)
    middle = np.array([(columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2])
    values = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            x, y = backward @ np.array([column - (size - 1) / 2, row - (size - 1) / 2]) + middle
            for v in (math.floor(y), math.floor(y) + 1):
                for u in (math.floor(x), math.floor(x) + 1):
                    if 0 <= v < 28 and 0 <= u < 28:
                        values[row, column] += max(0, 1 - abs(x - u)) * max(0, 1 - abs(y - v)) * image[v, u]
    return values


def test_rebuilt_set_is_the_same_bytes_everywhere(rebuilt: np.ndarray) -> None:
    assert rebuilt.shape == (10_000, 40, 40)
    assert hashlib.sha256(idx.dump(rebuilt)).hexdigest() == AFFNIST_REBUILT_SHA256


def test_digits_are_what_a_plain_computation_gives(digits: np.ndarray) -> None:
    transforms = affine.draw(10_000)
    drawn = affine.transformed(digits[:6], transforms.part(slice(0, 6)))
    for n in range(6):
        one = transforms.part(slice(n, n + 1))
        parameters = [float(v[0]) for v in (one.rotation, one.shear, one.scale_x, one.scale_y)]
        # 60 pixels in place of 40: had anything been cut off, it would be seen here.
        expected = by_hand(digits[n], 60, *parameters)
        assert np.abs(np.pad(drawn[n], 10) - expected).max() <= 0.5 + 1e-6


def test_no_digit_is_cut_off(digits: np.ndarray, rebuilt: np.ndarray) -> None:
    transforms = affine.draw(10_000)
    # A transform multiplies areas by its determinant, and so the sum of the pixels nearly.
    expected = digits.sum(axis=(1, 2)) * transforms.scale_x * transforms.scale_y
    ratio = rebuilt.sum(axis=(1, 2)) / expected
    assert 0.93 < ratio.min() < ratio.max() < 1.07
    # Before the translation no digit touches the edge, so that none is cut off there either.
    drawn = affine.transformed(digits[:1000], transforms.part(slice(0, 1000)))
    assert np.array_equal(drawn.sum(axis=(1, 2)), rebuilt[:1000].sum(axis=(1, 2)))
    for axis in (1, 2):
        first, last = bounds(drawn, axis)
        assert first.min() > 0
        assert last.max() < affine.CANVAS - 1


def test_ranges_are_met_at_both_ends(rebuilt: np.ndarray) -> None:
    transforms = affine.draw(10_000)
    degrees = np.degrees(transforms.rotation)
    for values, low, high in (
        (degrees, -20, 20),
        (transforms.shear, -0.2, 0.2),
        (transforms.scale_x, 0.8, 1.2),
        (transforms.scale_y, 0.8, 1.2),
    ):
        near = (high - low) / 1000
        assert low <= values.min() < low + near
        assert high - near < values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 5 * (high - low) / math.sqrt(12 * 10_000)
    for axis in (1, 2):
        first, last = bounds(rebuilt, axis)
        assert first.min() == 0
        assert last.max() == affine.CANVAS - 1


def test_translation_is_uniform_over_the_room(rebuilt: np.ndarray) -> None:
    for axis in (1, 2):
        first, last = bounds(rebuilt, axis)
        room = affine.CANVAS - (last - first)
        share = first / (room - 1)  # 0 at one edge, 1 at the other
        assert abs(share.mean() - 0.5) < 0.02
        assert abs(np.count_nonzero(first == 0) - (1 / room).sum()) < 5 * math.sqrt((1 / room).sum())


def test_transforms_are_independent() -> None:
    transforms = affine.draw(10_000)
    columns = [transforms.rotation, transforms.shear, transforms.scale_x, transforms.scale_y]
    assert np.abs(np.corrcoef(columns) - np.eye(4)).max() < 0.05


def test_own_sine_and_cosine() -> None:
    angles = np.linspace(-affine.ROTATION, affine.ROTATION, 1001)
    assert np.abs(affine._sine(angles) - np.sin(angles)).max() < 2e-16
    assert np.abs(affine._cosine(angles) - np.cos(angles)).max() < 3e-16
