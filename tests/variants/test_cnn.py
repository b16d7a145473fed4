"""The convolutional baseline."""

import numpy as np
import pytest
import torch

import variants
from tests.variants.numeric import correlate
from variants.cnn import CnnConfig, ConvolutionalNetwork


def parameters(**settings: object) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in variants.build("cnn", **settings).parameters())


def test_same_padding_gives_the_papers_number_of_parameters() -> None:
    assert parameters() == 35_445_522  # 13,277,970 without padding
    assert parameters(image_size=40) == 69_704_466


def test_forward_and_loss_are_the_formulas() -> None:
    torch.manual_seed(0)
    model = ConvolutionalNetwork(CnnConfig(image_size=6, width=4, classes=3)).double().eval()
    images, labels = torch.rand(2, 1, 6, 6, dtype=torch.float64), torch.tensor([2, 0])
    p = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    features = images.numpy()
    for layer in range(3):
        padded = np.pad(features, ((0, 0), (0, 0), (2, 2), (2, 2)))
        weight, bias = p[f"convolutions.{layer}.weight"], p[f"convolutions.{layer}.bias"]
        features = np.maximum(correlate(padded, weight, bias, 1), 0)
    assert features.shape == (2, 2, 6, 6)
    values = features.reshape(2, -1)
    for hidden in ("hidden.0", "hidden.2"):
        values = np.maximum(values @ p[f"{hidden}.weight"].T + p[f"{hidden}.bias"], 0)
    scores = values @ p["scores.weight"].T + p["scores.bias"]
    output = model(images)
    np.testing.assert_allclose(output.activities.detach(), scores, rtol=1e-10)
    entropy = [np.log(np.exp(scores[b]).sum()) - scores[b, label] for b, label in enumerate([2, 0])]
    assert model.loss(output, images, labels).item() == pytest.approx(np.mean(entropy), rel=1e-10)


def test_dropout_before_the_output_in_training_only() -> None:
    torch.manual_seed(0)
    model = ConvolutionalNetwork(CnnConfig(image_size=8, width=4, dropout=0.75))
    seen = []
    model.scores.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    images = torch.rand(50, 1, 8, 8)
    model(images)
    model.eval()(images)
    trained, evaluated = seen
    kept = trained != 0
    torch.testing.assert_close(trained[kept], 4 * evaluated[kept])
    assert kept.sum() / (evaluated != 0).sum() == pytest.approx(0.25, abs=0.05)


def test_pooling_gives_the_number_of_parameters_of_the_published_code() -> None:
    assert parameters(image_size=40, pooling=True) == 16_146_698


def test_forward_with_pooling_is_the_formula() -> None:
    torch.manual_seed(0)
    model = ConvolutionalNetwork(CnnConfig(image_size=18, width=2, classes=3, pooling=True)).double().eval()
    images = torch.rand(2, 1, 18, 18, dtype=torch.float64)
    p = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    features = images.numpy()
    for layer, size in ((0, 7), (1, 1)):  # 14 and 3 before pooling; an odd row or column is left out
        values = np.maximum(
            correlate(features, p[f"convolutions.{layer}.weight"], p[f"convolutions.{layer}.bias"], 1), 0
        )
        features = values[:, :, : 2 * size, : 2 * size].reshape(2, -1, size, 2, size, 2).max(axis=(3, 5))
    hidden = np.maximum(features.reshape(2, -1) @ p["hidden.0.weight"].T + p["hidden.0.bias"], 0)
    scores = hidden @ p["scores.weight"].T + p["scores.bias"]
    np.testing.assert_allclose(model(images).activities.detach(), scores, rtol=1e-10)


def test_images_too_small_for_pooling() -> None:
    assert variants.build("cnn", image_size=16, pooling=True, width=2) is not None
    with pytest.raises(ValueError, match="image_size 15 is too small for pooling; use images of at least 16 pixels"):
        variants.configure("cnn", image_size=15, pooling=True)


def test_label_says_whether_it_pools() -> None:
    assert CnnConfig().label == ""
    assert CnnConfig(pooling=True).label == "pooling"
