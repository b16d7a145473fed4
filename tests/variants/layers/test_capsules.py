"""Squashing and primary capsules, against plain NumPy."""

import numpy as np
import pytest
import torch

from tests.variants.numeric import correlate, grad_of, gradient
from tests.variants.numeric import squash as plain_squash
from variants.layers.capsules import PrimaryCapsules, PrimaryConfig, norm, primary_capsules, squash

rng = np.random.default_rng(0)


def test_squash_is_the_formula() -> None:
    vectors = rng.normal(size=(3, 5, 4)) * np.array([1e-3, 1, 30])[:, None, None]
    expected = np.stack([[plain_squash(v) for v in group] for group in vectors])
    np.testing.assert_allclose(squash(torch.tensor(vectors), dim=2), expected, rtol=1e-12)
    turned = squash(torch.tensor(vectors).transpose(1, 2), dim=1).transpose(1, 2)
    np.testing.assert_allclose(turned, expected, rtol=1e-12)


def test_squash_has_the_gradient_of_the_formula() -> None:
    vectors, factors = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    inputs = torch.tensor(vectors, requires_grad=True)
    (squash(inputs, dim=2) * torch.tensor(factors)).sum().backward()

    def weighted(at: np.ndarray) -> float:
        return float(sum((plain_squash(at[i, j]) * factors[i, j]).sum() for i, j in np.ndindex(2, 3)))

    np.testing.assert_allclose(grad_of(inputs), gradient(weighted, vectors), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_zero_capsule_has_finite_gradients(dtype: torch.dtype) -> None:
    capsules = torch.zeros(2, 8, 3, dtype=dtype)
    capsules[0, :, 0] = 1
    capsules.requires_grad_()
    poses = squash(capsules, dim=1)
    (poses.sum() + norm(poses, dim=1).sum() + norm(capsules, dim=1).sum()).backward()
    assert capsules.grad is not None
    assert torch.isfinite(capsules.grad).all()
    assert (capsules.grad[0, :, 0] > 0).all()
    assert (poses[1] == 0).all()


@pytest.mark.parametrize(
    ("image_size", "first", "second", "count"),
    [(28, 9, 9, 1152), (40, 9, 9, 4608), (28, 9, 15, 288), (40, 15, 15, 1152), (17, 9, 9, 32)],
)
def test_number_of_primary_capsules(image_size: int, first: int, second: int, count: int) -> None:
    assert primary_capsules(image_size, first, second) == count
    layer = PrimaryCapsules(PrimaryConfig(image_size=image_size, width=2), first, second)
    assert layer(torch.zeros(1, 1, image_size, image_size)).shape == (1, 8, count)


def test_image_smaller_than_the_kernels() -> None:
    with pytest.raises(ValueError, match="at least 17 pixels"):
        primary_capsules(16, 9, 9)


@pytest.mark.parametrize(("relu", "types_last"), [(False, False), (True, False), (True, True)])
def test_a_capsule_is_eight_channels_at_one_position(relu: bool, types_last: bool) -> None:
    layer = PrimaryCapsules(PrimaryConfig(image_size=20, width=3), 9, 9, relu=relu, types_last=types_last).double()
    images = rng.random((2, 1, 20, 20))
    parameters = {name: p.detach().numpy() for name, p in layer.named_parameters()}
    features = correlate(images, parameters["features.weight"], parameters["features.bias"], 1)
    features = np.maximum(features, 0)
    channels = correlate(features, parameters["capsules.weight"], parameters["capsules.bias"], 2)
    if relu:
        channels = np.maximum(channels, 0)
    poses = layer(torch.tensor(images)).detach().numpy()
    assert poses.shape == (2, 8, 32 * 2 * 2)
    for image, kind, y, x in np.ndindex(2, 32, 2, 2):
        expected = plain_squash(channels[image, kind::32, y, x])  # 8 channels, one position
        index = (y * 2 + x) * 32 + kind if types_last else kind * 4 + y * 2 + x
        np.testing.assert_allclose(poses[image, :, index], expected, atol=1e-12)
    assert (poses.min() >= 0) == relu
