"""CapsNet as a whole, against plain NumPy."""

import numpy as np
import pytest
import torch

import variants
from tests.variants.numeric import grad_of, squash
from variants.capsnet import CapsNet, CapsNetConfig

LABELS = torch.tensor([1, 0, 2])


def small(**settings: object) -> CapsNet:
    torch.manual_seed(0)
    return CapsNet(CapsNetConfig(image_size=18, width=3, classes=3, **settings)).double()


def images() -> torch.Tensor:
    return torch.rand(3, 1, 18, 18, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def plain_digits(model: CapsNet, passes: int) -> np.ndarray:
    """Digit capsules (batch, class, 16) by procedure 1, from the model's primary capsules."""
    poses = model.primary(images()).detach().numpy()
    weight = model.weight.detach().numpy()
    votes = np.einsum("bdi,idjk->bijk", poses, weight)
    logits = np.zeros(votes.shape[:3])
    for _ in range(passes):
        couplings = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
        s = (couplings[..., None] * votes).sum(axis=1)
        digits = np.stack([[squash(vector) for vector in image] for image in s])
        logits = logits + (votes * digits[:, None]).sum(axis=3)
    return digits


def plain_decoder(model: CapsNet, digits: np.ndarray, shown: list[int]) -> np.ndarray:
    masked = np.zeros_like(digits)
    for image, k in enumerate(shown):
        masked[image, k] = digits[image, k]
    values = masked.reshape(len(digits), -1)
    p = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    for layer in (0, 2):
        values = np.maximum(values @ p[f"decoder.{layer}.weight"].T + p[f"decoder.{layer}.bias"], 0)
    return 1 / (1 + np.exp(-(values @ p["decoder.4.weight"].T + p["decoder.4.bias"])))


@pytest.mark.parametrize(
    ("image_size", "capsules", "decoder"), [(28, 6_804_224, 1_411_344), (40, 11_227_904, 2_247_744)]
)
def test_number_of_parameters(image_size: int, capsules: int, decoder: int) -> None:
    def count(with_decoder: bool) -> int:
        with torch.device("meta"):
            model = variants.build("capsnet", image_size=image_size, decoder=with_decoder)
        return sum(p.numel() for p in model.parameters())

    assert count(False) == capsules
    assert count(True) == capsules + decoder


@pytest.mark.parametrize("passes", [1, 3, 5])
def test_activities_are_lengths_without_softmax(passes: int) -> None:
    model = small(routing_iterations=passes)
    lengths = np.sqrt((plain_digits(model, passes) ** 2).sum(axis=2))
    np.testing.assert_allclose(model(images()).activities.detach(), lengths, rtol=1e-9)


def test_loss_is_margin_and_weighted_reconstruction() -> None:
    model = small()
    digits = plain_digits(model, 3)
    lengths = np.sqrt((digits**2).sum(axis=2))
    pixels = images().flatten(1).numpy()
    reconstruction = plain_decoder(model, digits, LABELS.tolist())
    expected = 0.0
    for b, k in np.ndindex(3, 3):
        present = k == LABELS[b]
        expected += max(0, 0.9 - lengths[b, k]) ** 2 if present else 0.5 * max(0, lengths[b, k] - 0.1) ** 2
    expected = (expected + 0.0005 * ((reconstruction - pixels) ** 2).sum()) / 3
    output = model(images(), LABELS)
    np.testing.assert_allclose(output.reconstruction.detach(), reconstruction, rtol=1e-9)
    assert model.loss(output, images(), LABELS).item() == pytest.approx(expected, rel=1e-9)


def test_the_longest_capsule_is_shown_where_no_labels_are_given() -> None:
    model = small().eval()
    output = model(images())
    digits = plain_digits(model, 3)
    longest = (digits**2).sum(axis=2).argmax(axis=1).tolist()
    np.testing.assert_allclose(output.reconstruction.detach(), plain_decoder(model, digits, longest), rtol=1e-9)
    assert output.predictions().tolist() == longest


def test_without_a_decoder_the_loss_is_the_margin_loss() -> None:
    model = small(decoder=False)
    output = model(images(), LABELS)
    assert output.reconstruction is None
    unweighted = small(reconstruction_weight=0.0)
    unweighted.load_state_dict(model.state_dict(), strict=False)
    expected = unweighted.loss(unweighted(images(), LABELS), images(), LABELS)
    torch.testing.assert_close(model.loss(output, images(), LABELS), expected)


def test_last_pass_gradients_leave_the_values_and_change_the_gradients() -> None:
    results = []
    for gradients in ("all", "last"):
        model = small(gradients=gradients)
        loss = model.loss(model(images(), LABELS), images(), LABELS)
        loss.backward()
        results.append((loss, grad_of(model.weight)))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=0, atol=0)
    assert not torch.allclose(results[0][1], results[1][1], rtol=1e-3, atol=0)


def test_an_image_does_not_depend_on_the_others_in_its_batch() -> None:
    model = small().eval()
    together = model(images()).activities
    for b in range(3):
        torch.testing.assert_close(model(images()[b : b + 1]).activities[0], together[b])


def test_details_in_evaluation_only() -> None:
    model = small()
    assert model(images(), LABELS).details is None
    details = model.eval()(images()).details
    assert details is not None
    assert details["primary_lengths"].shape == (3, 32)
    assert details["couplings"].shape == (3, 3, 32)
    poses = model.primary(images()).detach().numpy()
    np.testing.assert_allclose(details["primary_lengths"].detach(), np.sqrt((poses**2).sum(axis=1)), rtol=1e-9)
    np.testing.assert_allclose(details["digits"].detach(), plain_digits(model, 3), rtol=1e-9)


@pytest.mark.parametrize("image_size", [28, 40])
@pytest.mark.parametrize("gradients", ["all", "last"])
def test_trains_a_step_at_both_image_sizes(image_size: int, gradients: str) -> None:
    model = variants.build("capsnet", image_size=image_size, width=4, gradients=gradients)
    batch = torch.rand(2, 1, image_size, image_size)
    output = model(batch, LABELS[:2])
    assert output.activities.shape == (2, 10)
    assert output.reconstruction is not None
    assert output.reconstruction.shape == (2, image_size**2)
    model.loss(output, batch, LABELS[:2]).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_labels() -> None:
    assert CapsNetConfig().label == "r=3"
    assert CapsNetConfig(routing_iterations=5, gradients="last").label == "r=5, last-pass gradients"
    assert CapsNetConfig(decoder=False).label == "r=3, no decoder"


def test_image_too_small() -> None:
    with pytest.raises(ValueError, match="variant 'capsnet' cannot be built: image_size 16 is too small"):
        variants.build("capsnet", image_size=16)


def test_more_passes_than_allowed() -> None:
    with pytest.raises(ValueError, match="routing_iterations of variant 'capsnet' is 6"):
        variants.build("capsnet", routing_iterations=6)
