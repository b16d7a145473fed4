"""The fast convolution against torch's in float64, and the choice between the two."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.variants.conv.tensors import normal, relative_error
from variants.conv import large_kernel
from variants.conv.large_kernel import LargeKernelConv2d, chosen_algorithms, set_algorithm
from variants.conv.tiling import Shape

FLOOR = 6e-7  # relative error of a sum of few float32 terms, where torch's own happens to be smaller


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_kernel, "_choices", {})


def _with_gradients(layer: nn.Conv2d, images: Tensor) -> list[Tensor]:
    """Output of a layer, then the gradients of images, weight and bias against a fixed direction."""
    images = images.detach().requires_grad_()
    result = layer(images)
    direction = torch.arange(result.numel(), dtype=torch.float64).mul(0.7).cos().add(0.5).view(result.shape)
    wanted = [images, layer.weight] + ([layer.bias] if layer.bias is not None else [])
    return [result, *torch.autograd.grad(result, wanted, direction.to(result.dtype))]


def _assert_accurate(layer: LargeKernelConv2d, images: Tensor) -> None:
    """Every error of the layer is at most twice that of torch's own convolution."""
    [kernel], [stride], [padding] = {*layer.kernel_size}, {*layer.stride}, {*map(int, layer.padding)}
    stock = nn.Conv2d(layer.in_channels, layer.out_channels, kernel, stride, padding)
    stock.load_state_dict(layer.state_dict())
    ours, torchs = _with_gradients(layer, images), _with_gradients(stock, images)
    exact = _with_gradients(stock.double(), images.double())
    names = ("output", "gradient of images", "gradient of weight", "gradient of bias")
    for name, value, other, truth in zip(names, ours, torchs, exact, strict=True):
        assert value.shape == truth.shape
        assert relative_error(value, truth) <= max(2 * relative_error(other, truth), FLOOR), name


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 9),
    outputs=st.integers(1, 7),
    kernel=st.integers(1, 9),
    stride=st.integers(1, 3),
    padding=st.integers(0, 4),
    spare=st.tuples(st.integers(0, 12), st.integers(0, 12)),
)
def test_fast_is_as_accurate_as_torch(
    batch: int,
    channels: int,
    outputs: int,
    kernel: int,
    stride: int,
    padding: int,
    spare: tuple[int, int],
) -> None:
    smallest = max(1, kernel - 2 * padding)
    torch.manual_seed(1)
    layer = LargeKernelConv2d(channels, outputs, kernel, stride, padding, algorithm="fast")
    _assert_accurate(layer, normal(batch, channels, smallest + spare[0], smallest + spare[1]))
    assert layer.chosen == "fast"


@pytest.mark.parametrize(
    ("channels", "outputs", "size", "kernel", "stride", "padding"),
    [
        (64, 32, 20, 9, 2, 0),  # primary capsules
        (64, 32, 26, 15, 2, 0),
        (64, 32, 28, 5, 1, 2),  # a hidden layer of the convolutional network
        (1, 32, 28, 9, 1, 0),  # the first layer
        (1, 16, 40, 15, 1, 0),
    ],
)
def test_fast_is_as_accurate_as_torch_on_the_layers_of_the_models(
    channels: int, outputs: int, size: int, kernel: int, stride: int, padding: int
) -> None:
    torch.manual_seed(2)
    layer = LargeKernelConv2d(channels, outputs, kernel, stride, padding, algorithm="fast")
    _assert_accurate(layer, normal(3, channels, size, size))


def test_inputs_need_not_be_contiguous() -> None:
    torch.manual_seed(3)
    layer = LargeKernelConv2d(5, 4, 5, padding=2, algorithm="fast")
    images = normal(2, 5, 11, 9)
    expected = _with_gradients(layer, images)
    layouts = [
        images.contiguous(memory_format=torch.channels_last),
        images.permute(3, 2, 0, 1).contiguous().permute(2, 3, 1, 0),
        torch.stack([images, -images], dim=-1)[..., 0],
        images[:1].expand(2, -1, -1, -1),
    ]
    for layout in layouts[:3]:
        for value, other in zip(_with_gradients(layer, layout), expected, strict=True):
            torch.testing.assert_close(value, other, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer(layouts[3])[1], expected[0][0], rtol=1e-5, atol=1e-5)


def test_a_gradient_may_be_expanded() -> None:
    layer = LargeKernelConv2d(3, 4, 5, padding=2, algorithm="fast")
    images = normal(2, 3, 8, 8).requires_grad_()
    layer(images).sum().backward()
    expected = F.conv_transpose2d(torch.ones(2, 4, 8, 8), layer.weight.detach(), padding=2)
    torch.testing.assert_close(images.grad, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types_are_computed_directly(dtype: torch.dtype) -> None:
    layer = LargeKernelConv2d(3, 4, 5, padding=2, algorithm="fast").to(dtype)
    images = normal(2, 3, 8, 8).to(dtype)
    torch.testing.assert_close(layer(images), F.conv2d(images, layer.weight, layer.bias, padding=2))
    assert layer.chosen == "direct"


def test_autocast_is_computed_directly() -> None:
    layer = LargeKernelConv2d(3, 4, 5, algorithm="fast")
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(normal(2, 3, 8, 8)).dtype == torch.bfloat16
    assert layer.chosen == "direct"


def test_images_without_batch_and_empty_batches_are_computed_directly() -> None:
    layer = LargeKernelConv2d(3, 4, 5, algorithm="fast")
    assert layer(normal(3, 8, 8)).shape == (4, 4, 4)
    assert layer(normal(0, 3, 8, 8)).shape == (0, 4, 4, 4)


def test_images_smaller_than_the_kernel_fail_as_in_torch() -> None:
    with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
        LargeKernelConv2d(3, 4, 9, algorithm="fast")(normal(2, 3, 8, 8))


@pytest.mark.parametrize("bias", [True, False])
def test_state_is_exchanged_with_torch(bias: bool) -> None:
    torch.manual_seed(4)
    stock = nn.Conv2d(6, 4, 5, 2, 1, bias=bias)
    torch.manual_seed(4)
    ours = LargeKernelConv2d(6, 4, 5, 2, 1, bias=bias, algorithm="fast")
    assert list(ours.state_dict()) == list(stock.state_dict())
    assert torch.equal(ours.weight, stock.weight)
    other = LargeKernelConv2d(6, 4, 5, 2, 1, bias=bias, algorithm="fast")
    other.load_state_dict(stock.state_dict())
    stock.load_state_dict(ours.state_dict())
    images = normal(2, 6, 12, 12)
    assert torch.equal(other(images), ours(images))
    torch.testing.assert_close(stock(images), ours(images), rtol=1e-4, atol=1e-5)


@contextlib.contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Shape]]:
    """The shapes that are measured meanwhile."""
    measured: list[Shape] = []
    original = large_kernel.measure

    def measure(shape: Shape, *rest: Any) -> str:
        measured.append(shape)
        return original(shape, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(large_kernel, "measure", measure)
        yield measured


def test_auto_measures_a_shape_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = LargeKernelConv2d(4, 4, 5), LargeKernelConv2d(4, 4, 5)
    with _counted(monkeypatch) as measured:
        for layer in (first, second, first):
            layer(normal(2, 4, 9, 9))
        assert len(measured) == 1
        first(normal(3, 4, 9, 9))
        assert [shape.batch for shape in measured] == [2, 3]
    assert first.chosen in ("direct", "fast")


def test_auto_keeps_the_choice_of_training_without_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, images = LargeKernelConv2d(4, 4, 5), normal(2, 4, 9, 9)
    with _counted(monkeypatch) as measured:
        layer(images).sum().backward()
        with torch.no_grad():
            layer(images)
        with torch.inference_mode():
            layer(images)
    assert len(measured) == 1


@pytest.mark.parametrize("slow", ["direct", "fast"])
def test_auto_takes_what_is_faster(slow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    convolve = large_kernel.convolve

    def delayed(name: Any, *arguments: Any) -> Tensor:
        if name == slow:
            large_kernel.time.sleep(0.02)
        return convolve(name, *arguments)

    monkeypatch.setattr(large_kernel, "convolve", delayed)
    layer = LargeKernelConv2d(4, 4, 5)
    layer(normal(2, 4, 9, 9))
    assert {layer.chosen, slow} == {"direct", "fast"}


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_measuring_leaves_generator_and_autograd_alone(mode: type) -> None:
    layer, images = LargeKernelConv2d(4, 4, 5), normal(2, 4, 9, 9)
    before = torch.get_rng_state()
    with mode():
        enabled = torch.is_grad_enabled()
        result = layer(images)
        assert torch.is_grad_enabled() == enabled
        assert result.requires_grad == enabled
    assert torch.equal(torch.get_rng_state(), before)
    assert layer.weight.grad is None


def test_a_long_measurement_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[str, list[int]] = {"direct": [], "fast": []}
    convolve = large_kernel.convolve

    def watched(name: Any, images: Tensor, *rest: Any) -> Tensor:
        sizes[name].append(len(images))
        return convolve(name, images, *rest)

    image = 5 * 5 * 4 * 4 * 25  # multiply-adds of the layer below
    monkeypatch.setattr(large_kernel, "convolve", watched)
    monkeypatch.setattr(large_kernel, "TRIAL_PRODUCTS", {"direct": 2 * image, "fast": 3 * image})
    shape = Shape(batch=8, channels=4, height=9, width=9, outputs=4, kernel=5, stride=1, padding=0)
    large_kernel.measure(shape, torch.device("cpu"), True, True)
    assert set(sizes["direct"]) == {2}
    assert set(sizes["fast"]) == {3}


def test_the_algorithm_can_be_forced() -> None:
    model = nn.Sequential(LargeKernelConv2d(4, 4, 5), nn.ReLU(), LargeKernelConv2d(4, 4, 3))
    assert chosen_algorithms(model) == {}
    for algorithm in ("fast", "direct"):
        set_algorithm(model, algorithm)
        model(normal(2, 4, 9, 9))
        assert chosen_algorithms(model) == {"0": algorithm, "2": algorithm}


def test_recorded_choices_are_restored() -> None:
    model = nn.Sequential(LargeKernelConv2d(4, 4, 5), nn.ReLU(), LargeKernelConv2d(4, 4, 3))
    set_algorithm(model, {"0": "fast", "2": "direct"})
    first = model(normal(2, 4, 9, 9))
    record = chosen_algorithms(model)
    assert record == {"0": "fast", "2": "direct"}
    set_algorithm(model, "auto")
    set_algorithm(model, record)
    assert torch.equal(model(normal(2, 4, 9, 9)), first)


def test_unknown_algorithms_and_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="allowed: auto, direct, fast"):
        LargeKernelConv2d(4, 4, 5, algorithm="fats")  # type: ignore[arg-type]
    model = nn.Sequential(LargeKernelConv2d(4, 4, 5))
    with pytest.raises(ValueError, match="no large-kernel convolution '1'; it has: 0"):
        set_algorithm(model, {"1": "fast"})


def _training_losses(algorithm: str, fused: bool) -> list[float]:
    torch.manual_seed(5)
    model = nn.Sequential(
        LargeKernelConv2d(1, 8, 9),
        nn.ReLU(),
        LargeKernelConv2d(8, 16, 9, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 36, 10),
    )
    set_algorithm(model, algorithm)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)
    images, labels = normal(8, 1, 28, 28), torch.arange(8)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("fused", [False, True])
def test_both_algorithms_train_alike(fused: bool) -> None:
    direct, fast = _training_losses("direct", fused), _training_losses("fast", fused)
    assert direct[-1] < 0.5 * direct[0]
    np.testing.assert_allclose(fast, direct, rtol=0, atol=1e-4)


def test_the_same_run_repeats_every_bit() -> None:
    assert _training_losses("fast", True) == _training_losses("fast", True)


def test_the_gradient_of_images_is_computed_only_if_wanted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for channels in (1, 8):
            layer = LargeKernelConv2d(channels, 4, 5, algorithm="fast")
            images = normal(2, channels, 9, 9)
            layer(images).sum().backward()
            assert images.grad is None
            expected = F.conv2d(images.transpose(0, 1), torch.ones(2, 1, 5, 5).transpose(0, 1))
            assert layer.weight.grad is not None
            torch.testing.assert_close(layer.weight.grad[0], expected.squeeze(1), rtol=1e-5, atol=1e-4)
