"""The losses, values and gradients, against plain NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.variants.numeric import grad_of, gradient
from variants.layers.losses import (
    code_distance,
    margin_loss,
    mean_code_difference,
    reconstruction_loss,
    regression_error_loss,
)

rng = np.random.default_rng(1)
LABELS = np.array([2, 0, 1, 2])


def agree(ours: Callable[[Tensor], Tensor], plain: Callable[[np.ndarray], float], at: np.ndarray) -> None:
    inputs = torch.tensor(at, requires_grad=True)
    loss = ours(inputs)
    loss.backward()
    assert loss.item() == pytest.approx(plain(at), rel=1e-12)
    np.testing.assert_allclose(grad_of(inputs), gradient(plain, at), rtol=1e-6, atol=1e-9)


def plain_margin(lengths: np.ndarray) -> float:
    total = 0.0
    for image, label in enumerate(LABELS):
        for k in range(3):
            if k == label:
                total += max(0.0, 0.9 - lengths[image, k]) ** 2
            else:
                total += 0.5 * max(0.0, lengths[image, k] - 0.1) ** 2
    return total / len(LABELS)


def test_margin_loss() -> None:
    lengths = rng.uniform(0, 1, (4, 3))
    lengths[0, 2], lengths[1, 1] = 0.95, 0.05  # beyond the margins: no loss
    agree(lambda a: margin_loss(a, torch.tensor(LABELS), 0.9, 0.1, 0.5), plain_margin, lengths)


def test_margin_loss_takes_lengths_as_they_are() -> None:
    perfect = torch.full((4, 3), 0.1).scatter_(1, torch.tensor(LABELS)[:, None], 0.9)
    assert margin_loss(perfect, torch.tensor(LABELS), 0.9, 0.1, 0.5).item() == pytest.approx(0, abs=1e-12)


def plain_regression_error(errors: np.ndarray) -> float:
    total = 0.0
    for image, label in enumerate(LABELS):
        for k in range(3):
            e = errors[image, k]
            total += e**2 if k == label else max(0.0, 0.8 - e) ** 2
    return total / len(LABELS)


def test_regression_error_loss() -> None:
    errors = rng.uniform(0, 1.2, (4, 3))
    agree(lambda e: regression_error_loss(e, torch.tensor(LABELS), 0.8), plain_regression_error, errors)


def test_reconstruction_loss_sums_over_pixels() -> None:
    images, reconstruction = rng.random((4, 2, 3, 3)), rng.random((4, 18))

    def plain(at: np.ndarray) -> float:
        squares = [(at[b, (c * 3 + y) * 3 + x] - images[b, c, y, x]) ** 2 for b, c, y, x in np.ndindex(4, 2, 3, 3)]
        return float(sum(squares)) / 4

    agree(lambda r: reconstruction_loss(r, torch.tensor(images)), plain, reconstruction)


CODE = (rng.random((4, 6)) > 0.5).astype(float)


def test_code_distance_sums_over_capsules() -> None:
    def plain(at: np.ndarray) -> float:
        return float(sum((CODE[b, i] - at[b, i]) ** 2 for b, i in np.ndindex(4, 6))) / 4

    agree(lambda a: code_distance(torch.tensor(CODE), a), plain, rng.random((4, 6)))


def test_mean_code_difference_is_a_mean_over_capsules() -> None:
    def plain(at: np.ndarray) -> float:
        return float(sum(abs(CODE[b, i] - at[b, i]) for b, i in np.ndindex(4, 6))) / 24

    agree(lambda a: mean_code_difference(torch.tensor(CODE), a), plain, rng.random((4, 6)))
