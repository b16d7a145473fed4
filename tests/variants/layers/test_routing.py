"""Dynamic routing, values and gradients, against plain NumPy loops."""

import numpy as np
import pytest
import torch

import variants.layers.routing
from tests.variants.numeric import gradient, squash
from variants.layers.routing import fused_route, reference_route

BATCH, POSE, CAPSULES, CLASSES, DIGIT = 3, 2, 4, 3, 2
rng = np.random.default_rng(2)
POSES = rng.normal(size=(BATCH, POSE, CAPSULES))
WEIGHT = rng.normal(size=(CAPSULES, POSE, CLASSES, DIGIT))
FACTORS = rng.normal(size=(BATCH, CLASSES, DIGIT))


def plain_votes(poses: np.ndarray, weight: np.ndarray, image: int) -> np.ndarray:
    votes = np.zeros((CAPSULES, CLASSES, DIGIT))
    for i, j in np.ndindex(CAPSULES, CLASSES):
        votes[i, j] = poses[image, :, i] @ weight[i, :, j, :]
    return votes


def combine(votes: np.ndarray, couplings: np.ndarray) -> np.ndarray:
    """v_j for votes (capsule, class, digit pose) and couplings (capsule, class)."""
    return np.stack([squash(sum(couplings[i, j] * votes[i, j] for i in range(CAPSULES))) for j in range(CLASSES)])


def plain_route(poses: np.ndarray, weight: np.ndarray, passes: int) -> tuple[np.ndarray, np.ndarray]:
    """Procedure 1, image by image: digit capsules and the couplings (batch, capsule, class) of the last pass."""
    digits, all_couplings = [], []
    for image in range(BATCH):
        votes = plain_votes(poses, weight, image)
        logits = np.zeros((CAPSULES, CLASSES))
        for _ in range(passes):
            couplings = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            v = combine(votes, couplings)
            for i, j in np.ndindex(CAPSULES, CLASSES):
                logits[i, j] += votes[i, j] @ v[j]
        digits.append(v)
        all_couplings.append(couplings)
    return np.stack(digits), np.stack(all_couplings)


def gradients(passes: int, last_only: bool) -> tuple[np.ndarray, np.ndarray]:
    poses, weight = torch.tensor(POSES, requires_grad=True), torch.tensor(WEIGHT, requires_grad=True)
    digits, _ = fused_route(poses, weight, passes, last_only=last_only)
    (digits * torch.tensor(FACTORS)).sum().backward()
    assert poses.grad is not None
    assert weight.grad is not None
    return poses.grad.numpy(), weight.grad.numpy()


@pytest.fixture(params=[1, 48, 2**20], ids=["image by image", "two pieces", "whole batch"])
def _pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants.layers.routing, "CACHED", request.param)


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("passes", [1, 2, 3, 5])
def test_values(passes: int, last_only: bool) -> None:
    expected, expected_couplings = plain_route(POSES, WEIGHT, passes)
    digits, couplings = fused_route(torch.tensor(POSES), torch.tensor(WEIGHT), passes, last_only=last_only)
    np.testing.assert_allclose(digits, expected, rtol=1e-10)
    np.testing.assert_allclose(couplings.transpose(1, 2), expected_couplings, rtol=1e-10)


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("passes", [1, 2, 3, 5])
def test_gradients_through_all_passes(passes: int) -> None:
    def weighted(poses: np.ndarray, weight: np.ndarray) -> float:
        return float((plain_route(poses, weight, passes)[0] * FACTORS).sum())

    of_poses, of_weight = gradients(passes, last_only=False)
    np.testing.assert_allclose(of_poses, gradient(lambda p: weighted(p, WEIGHT), POSES), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(of_weight, gradient(lambda w: weighted(POSES, w), WEIGHT), rtol=1e-5, atol=1e-8)


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("passes", [1, 3, 5])
def test_gradients_through_the_last_pass_only(passes: int) -> None:
    couplings = plain_route(POSES, WEIGHT, passes)[1]  # constants

    def weighted(poses: np.ndarray, weight: np.ndarray) -> float:
        digits = [combine(plain_votes(poses, weight, b), couplings[b]) for b in range(BATCH)]
        return float((np.stack(digits) * FACTORS).sum())

    of_poses, of_weight = gradients(passes, last_only=True)
    np.testing.assert_allclose(of_poses, gradient(lambda p: weighted(p, WEIGHT), POSES), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(of_weight, gradient(lambda w: weighted(POSES, w), WEIGHT), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("passes", [1, 3])
def test_the_reference_form_is_the_same(passes: int, last_only: bool) -> None:
    poses, weight = torch.tensor(POSES, requires_grad=True), torch.tensor(WEIGHT, requires_grad=True)
    digits, couplings = reference_route(poses, weight, passes, last_only=last_only)
    expected, expected_couplings = plain_route(POSES, WEIGHT, passes)
    np.testing.assert_allclose(digits.detach(), expected, rtol=1e-10)
    np.testing.assert_allclose(couplings.transpose(1, 2), expected_couplings, rtol=1e-10)
    found = torch.autograd.grad((digits * torch.tensor(FACTORS)).sum(), (poses, weight))
    for one, other in zip(found, gradients(passes, last_only), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-12)


def test_the_two_kinds_of_gradient_differ() -> None:
    assert np.abs(gradients(3, last_only=False)[0] - gradients(3, last_only=True)[0]).max() > 1e-3


def test_couplings_of_a_capsule_sum_to_one_over_the_classes() -> None:
    _, couplings = fused_route(torch.tensor(POSES), torch.tensor(WEIGHT), 3)
    assert couplings.shape == (BATCH, CLASSES, CAPSULES)
    np.testing.assert_allclose(couplings.sum(dim=1), 1, rtol=1e-12)
    assert (couplings.sum(dim=2) - CAPSULES / CLASSES).abs().max() > 1e-2


def test_one_iteration_is_one_pass_with_uniform_couplings() -> None:
    assert (fused_route(torch.tensor(POSES), torch.tensor(WEIGHT), 1)[1] == 1 / CLASSES).all()
    assert (fused_route(torch.tensor(POSES), torch.tensor(WEIGHT), 2)[1] != 1 / CLASSES).any()


def test_an_image_does_not_depend_on_the_others_in_its_batch() -> None:
    together, _ = fused_route(torch.tensor(POSES), torch.tensor(WEIGHT), 3)
    for image in range(BATCH):
        alone, _ = fused_route(torch.tensor(POSES[image : image + 1]), torch.tensor(WEIGHT), 3)
        np.testing.assert_allclose(alone[0], together[image], rtol=1e-12)


def test_zero_capsules_have_finite_gradients() -> None:
    poses = torch.zeros(BATCH, POSE, CAPSULES, requires_grad=True)
    weight = torch.tensor(WEIGHT, dtype=torch.float32, requires_grad=True)
    digits, couplings = fused_route(poses, weight, 3)
    digits.square().sum().add(digits.sum()).backward()
    assert poses.grad is not None
    assert weight.grad is not None
    assert torch.isfinite(poses.grad).all()
    assert torch.isfinite(weight.grad).all()
    assert not couplings.requires_grad
