"""The convolutional baseline."""

import numpy as np
import pytest
import torch
from numeric import correlate

import variants
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
    for layer in ("hidden.0", "hidden.2"):
        values = np.maximum(values @ p[f"{layer}.weight"].T + p[f"{layer}.bias"], 0)
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


def test_label_is_empty() -> None:
    assert ConvolutionalNetwork.label(CnnConfig()) == ""
