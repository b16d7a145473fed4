"""Pruning, functions of the code vector, equations 1 and 2: values and gradients, against plain NumPy loops."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.variants.numeric import grad_of, gradient
from variants.layers.ladder import (
    ClassLinear,
    CodeNetwork,
    FusedPropagation,
    FusedRegression,
    ReferencePropagation,
    ReferenceRegression,
    initialise,
    prune,
)

CLASSES, BATCH, HIDDEN, K, POSE, DIGIT = 2, 3, 4, 2, 8, 16
rng = np.random.default_rng(3)


def test_prune_keeps_the_most_active_in_the_order_of_their_indices() -> None:
    poses, activities = rng.normal(size=(5, 3, 9)), rng.random((5, 9))
    selected, code = prune(torch.tensor(poses), torch.tensor(activities), 4)
    for image in range(5):
        kept = sorted(sorted(range(9), key=lambda i: -activities[image, i])[:4])
        assert code[image].tolist() == [float(i in kept) for i in range(9)]
        for position, capsule in enumerate(kept):
            assert (selected[image, :, position].numpy() == poses[image, :, capsule]).all()


def test_prune_example_of_figure_2() -> None:
    activities = torch.tensor([[0.5, 0.1, 0.2, 0.9, 0.3, 0.7]])
    selected, code = prune(torch.arange(6.0).view(1, 1, 6), activities, 3)
    assert code.tolist() == [[1, 0, 0, 1, 0, 1]]
    assert selected.flatten().tolist() == [0, 3, 5]


def test_prune_keeps_exactly_k_of_equal_capsules() -> None:
    _, code = prune(torch.zeros(2, 8, 9), torch.zeros(2, 9), 4)
    assert code.sum(dim=1).tolist() == [4, 4]


def test_gradients_reach_selected_capsules_and_never_pass_the_code_vector() -> None:
    poses = torch.tensor(rng.normal(size=(2, 3, 6)), requires_grad=True)
    selected, code = prune(poses, poses.square().sum(dim=1), 2)
    assert not code.requires_grad
    selected.sum().backward()
    assert poses.grad is not None
    expected = code.unsqueeze(1).expand(-1, 3, -1)
    assert (poses.grad == expected).all()


def numpy_of(module: nn.Module, name: str) -> np.ndarray:
    return module.get_parameter(name).detach().numpy()


def test_code_network_is_a_network_for_each_class() -> None:
    network = CodeNetwork(CLASSES, (6, 5, 4)).double()
    code = (rng.random((BATCH, 6)) > 0.5).astype(float)
    hidden = network(torch.tensor(code))
    assert hidden.shape == (CLASSES, BATCH, 4)
    for j, b in np.ndindex(CLASSES, BATCH):
        values = code[b]
        for layer in range(2):
            weight, bias = (numpy_of(network, f"layers.{layer}.{kind}")[j] for kind in ("weight", "bias"))
            values = np.maximum(values @ weight + bias[0], 0)
        np.testing.assert_allclose(hidden[j, b].detach(), values, rtol=1e-12)


def plain_function(hidden: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """f or f^reg as (K, pose, digit pose) for one class and image, h W + b with weight (hidden, pose·K·digit)."""
    flat = np.array([sum(hidden[h] * weight[h, o] for h in range(len(hidden))) + bias[o] for o in range(len(bias))])
    return flat.reshape(POSE, K, DIGIT).transpose(1, 0, 2)


def plain_propagation(hidden: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Equation 1: s_j = Σ_i (p_i u_i) f_j|i with x = p u as (pose, K)."""
    f = plain_function(hidden, weight, bias)
    return np.asarray(sum(x[:, i] @ f[i] for i in range(K)))


def plain_regression(hidden: np.ndarray, s: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Equation 2: row i of û is f_j^reg[i] s, as (pose, K)."""
    f = plain_function(hidden, weight, bias)
    return np.stack([f[i] @ s for i in range(K)], axis=1)


Layer = FusedPropagation | FusedRegression | ReferencePropagation | ReferenceRegression


def fused_parameters(layer: nn.Module, reference: nn.Module) -> None:
    """Give a fused layer the function of a reference one."""
    assert isinstance(reference, ClassLinear)
    with torch.no_grad():
        weight = reference.weight.view(CLASSES, HIDDEN, POSE * K, DIGIT)
        bias = reference.bias.view(CLASSES, POSE * K, DIGIT)
        if isinstance(layer, FusedPropagation):
            layer.weight.copy_(weight.transpose(1, 2).reshape(layer.weight.shape))
            layer.bias.copy_(bias)
        elif isinstance(layer, FusedRegression):
            layer.weight.copy_(weight.transpose(2, 3).reshape(layer.weight.shape))
            layer.bias.copy_(bias.transpose(1, 2))


def pair(fused: type[nn.Module], reference: type[nn.Module]) -> tuple[nn.Module, nn.Module]:
    a = reference(CLASSES, HIDDEN, K).double()
    b = fused(CLASSES, HIDDEN, K).double()
    fused_parameters(b, a.get_submodule("function"))
    return b, a


PAIRS = {
    "equation 1": (FusedPropagation, ReferencePropagation, plain_propagation, (POSE, K)),
    "equation 2": (FusedRegression, ReferenceRegression, plain_regression, (DIGIT,)),
}


@pytest.mark.parametrize("equation", PAIRS)
def test_equation(equation: str) -> None:
    fused, reference, plain, shape = PAIRS[equation]
    hidden, x = rng.normal(size=(CLASSES, BATCH, HIDDEN)), rng.normal(size=(CLASSES, BATCH, *shape))
    fused_layer, reference_layer = pair(fused, reference)
    weight, bias = numpy_of(reference_layer, "function.weight"), numpy_of(reference_layer, "function.bias")
    for layer in (fused_layer, reference_layer):
        result = layer(torch.tensor(hidden), torch.tensor(x).flatten(2)).detach()
        for j, b in np.ndindex(CLASSES, BATCH):
            expected = plain(hidden[j, b], x[j, b], weight[j], bias[j, 0])
            np.testing.assert_allclose(result[j, b], expected.flatten(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("equation", PAIRS)
def test_gradients_of_equation(equation: str) -> None:
    fused, reference, plain, shape = PAIRS[equation]
    hidden, x = rng.normal(size=(CLASSES, BATCH, HIDDEN)), rng.normal(size=(CLASSES, BATCH, *shape))
    fused_layer, reference_layer = pair(fused, reference)
    weight, bias = numpy_of(reference_layer, "function.weight"), numpy_of(reference_layer, "function.bias")

    def total(h: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
        results = [plain(h[j, b], y[j, b], w[j], bias[j, 0]) for j, b in np.ndindex(CLASSES, BATCH)]
        return float(sum(np.sin(result).sum() for result in results))

    some = [(j, h, o) for j in range(CLASSES) for h in range(HIDDEN) for o in (0, 17, POSE * K * DIGIT - 1)]
    expected = (
        gradient(lambda h: total(h, x, weight), hidden),
        gradient(lambda y: total(hidden, y, weight), x),
        gradient(lambda w: total(hidden, x, w), weight, some),
    )
    for layer in (fused_layer, reference_layer):
        h, y = torch.tensor(hidden, requires_grad=True), torch.tensor(x, requires_grad=True)
        layer(h, y.flatten(2)).sin().sum().backward()
        np.testing.assert_allclose(grad_of(h), expected[0], rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(grad_of(y), expected[1], rtol=1e-5, atol=1e-8)
        of_weight = reference_weight_gradient(layer)
        for entry in some:
            assert of_weight[entry].item() == pytest.approx(expected[2][entry], rel=1e-5, abs=1e-8)


def reference_weight_gradient(layer: nn.Module) -> Tensor:
    if isinstance(layer, FusedPropagation):
        return grad_of(layer.weight).unflatten(2, (HIDDEN, DIGIT)).transpose(1, 2).flatten(2)
    if isinstance(layer, FusedRegression):
        return grad_of(layer.weight).unflatten(1, (HIDDEN, DIGIT)).transpose(2, 3).flatten(2)
    return grad_of(layer.get_parameter("function.weight"))


@pytest.mark.parametrize("equation", PAIRS)
def test_fused_and_reference_agree(equation: str) -> None:
    fused, reference, _, shape = PAIRS[equation]
    layers = pair(fused, reference)
    inputs, results, gradients = torch.randn(CLASSES, BATCH, math.prod(shape), dtype=torch.float64), [], []
    hidden = torch.randn(CLASSES, BATCH, HIDDEN, dtype=torch.float64)
    for layer in layers:
        h, x = hidden.clone().requires_grad_(), inputs.clone().requires_grad_()
        result = layer(h, x)
        result.square().sum().backward()
        results.append(result)
        gradients.append((h.grad, x.grad, reference_weight_gradient(layer)))
    torch.testing.assert_close(results[0], results[1], rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-6, atol=1e-9)


def test_initialisers() -> None:
    weight, bias = torch.empty(300, 400), torch.empty(5000)
    initialise(weight, bias, 300, 400)
    for parameter, bound in ((weight, math.sqrt(6 / 700)), (bias, math.sqrt(3 / 400))):
        assert 0.99 * bound < parameter.abs().max() <= bound
        assert abs(parameter.mean()) < 0.05 * bound


@pytest.mark.parametrize("layer", [FusedPropagation, FusedRegression, ReferencePropagation, ReferenceRegression])
def test_fans_are_those_of_the_function_whatever_the_layout(layer: type[nn.Module]) -> None:
    parameters = dict(layer(2, 128, 5).named_parameters())
    for name, parameter in parameters.items():
        bound = math.sqrt(6 / (128 + 640)) if name.endswith("weight") else math.sqrt(3 / 640)
        assert 0.95 * bound < parameter.abs().max() <= bound
