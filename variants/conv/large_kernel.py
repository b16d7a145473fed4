"""Convolution with large kernels: a drop-in for `torch.nn.Conv2d` that takes the faster of two algorithms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from variants.contract import Config
from variants.conv.block_conv import block_convolution
from variants.conv.im2col import ColumnConvolution
from variants.conv.tiling import Shape

Algorithm = Literal[
    "auto", "direct", "fast"
]  # not a `Form`: these are two algorithms, and the faster one depends on the shape
Chosen = Literal["direct", "fast"]
CANDIDATES: tuple[Chosen, ...] = ("direct", "fast")

# Multiply-adds (of the direct algorithm) in a forward pass that is timed; batches with more are cut. The fast algorithm
# transforms the weight once for each batch of any size, so it needs a larger batch for a fair comparison.
TRIAL_PRODUCTS: dict[Chosen, int] = {"direct": 2 * 10**9, "fast": 8 * 10**9}
TRIAL_ROUNDS = 3
FEW_CHANNELS = 4  # too few for a matrix product over channels

Decide = Callable[[str, Callable[[], str]], str]  # (key, measurement) to choice

_choices: dict[str, Chosen] = {}  # by shape, device, threads and gradients
_deciders: list[Decide] = []  # a stack: the innermost `deciding` is last


class LargeKernelConfig(Config):
    """Configuration of a variant with large convolutions."""

    convolution: Algorithm = Field("auto", description="algorithm of the large convolutions; auto takes the faster one")


class LargeKernelConv2d(nn.Conv2d):
    """A drop-in for `torch.nn.Conv2d` with square kernels: same parameters, same state dict, same result.

    The fast algorithm is `variants.conv.block_conv`, and `variants.conv.im2col` for few channels. It supports float32
    outside autocast; anything else is computed directly. Weights, and results of the fast algorithm, are channels-last:
    flatten them with `reshape`. Second derivatives need the direct algorithm.

    Arguments:
        kernel_size, stride, padding: the same for rows and columns; padding is zeros.
        algorithm: "direct" (torch's convolution), "fast", or "auto": the one that takes less time on this machine for
            the shape of the input, measured once in a process. They differ in rounding.

    Raises:
        ValueError: an unknown algorithm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        algorithm: Algorithm = "auto",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.weight.data = self.weight.data.contiguous(memory_format=torch.channels_last)
        self.algorithm = _checked(algorithm)
        self.chosen: Chosen | None = None  # the algorithm of the last forward pass

    def forward(self, input: Tensor) -> Tensor:
        """Convolve images (batch, in_channels, height, width), or a single image as torch's does."""
        shape = self._shape(input)
        self.chosen = "direct" if shape is None else self._choose(shape, input)
        if shape is None:
            return self._conv_forward(input, _as_direct_likes(self.weight), self.bias)
        return convolve(self.chosen, input, self.weight, self.bias, shape)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, algorithm={self.algorithm}"

    def _shape(self, images: Tensor) -> Shape | None:
        """The shape for the fast algorithm; None if it does not support this input."""
        served = (
            images.dim() == 4
            and images.dtype == self.weight.dtype == torch.float32
            and images.device == self.weight.device
            and images.device.type in ("cpu", "cuda")
            and not torch.is_autocast_enabled(images.device.type)
            and images.shape[1] == self.in_channels
        )
        if not served:
            return None
        batch, channels, height, width = images.shape
        k, s, p = self.kernel_size[0], self.stride[0], int(self.padding[0])
        shape = Shape(batch, channels, height, width, self.out_channels, k, s, p)
        return shape if batch > 0 and shape.rows > 0 and shape.columns > 0 else None

    def _choose(self, shape: Shape, images: Tensor) -> Chosen:
        if self.algorithm != "auto":
            return self.algorithm
        bias = "" if self.bias is None else " bias"
        key = f"{_device_name(images.device)} {torch.get_num_threads()} threads {shape}{bias}"
        learns = torch.is_grad_enabled() and (images.requires_grad or self.weight.requires_grad)
        # evaluation uses the choice made in training, so that both round alike
        modes = [images.requires_grad] if learns else [True, False, None]
        for mode in modes:
            if f"{key} gradients={mode}" in _choices:
                return _choices[f"{key} gradients={mode}"]
        return _decided(
            f"{key} gradients={modes[-1]}",
            partial(measure, shape, images.device, self.bias is not None, modes[-1]),
        )


def _decided(key: str, measured: Callable[[], Chosen]) -> Chosen:
    """Make a new choice, by the innermost `deciding` or else by measuring."""
    choice = _deciders[-1](key, measured) if _deciders else measured()
    _choices[key] = "fast" if choice == "fast" else "direct"
    return _choices[key]


@contextmanager
def deciding(decide: Decide) -> Iterator[None]:
    """Context in which `decide` makes every choice; earlier choices are unknown in it and known again after it."""
    before = dict(_choices)
    _choices.clear()
    _deciders.append(decide)
    try:
        yield
    finally:
        _deciders.pop()
        _choices.clear()
        _choices.update(before)


def remembered() -> dict[str, Chosen]:
    """The choices of "auto" in this process, for `remember` in another one."""
    return dict(_choices)


def remember(choices: Mapping[str, str]) -> None:
    """Adopt choices that were measured before on this machine; unknown algorithms are ignored."""
    _choices.update({key: name for key, value in choices.items() for name in CANDIDATES if value == name})


def measure(shape: Shape, device: torch.device, bias: bool, gradients: bool | None) -> Chosen:
    """Time both algorithms on random tensors; returns the one that takes less time for an image.

    The global random generators and the caller's autograd mode are not changed.

    Arguments:
        shape: of the convolution; its batch is cut if it would take long.
        gradients: True for a backward pass to images and weights, False to the weights only, None for no backward pass.
    """
    work = shape.rows * shape.columns * shape.outputs * shape.channels * shape.kernel**2
    shapes = {name: replace(shape, batch=max(1, min(shape.batch, TRIAL_PRODUCTS[name] // work))) for name in CANDIDATES}
    with torch.inference_mode(False), torch.enable_grad():
        runs: dict[Chosen, Callable[[], None]] = {
            name: partial(_run, name, shapes[name], _tensors(name, shapes[name], device, bias, gradients), gradients)
            for name in CANDIDATES
        }
        seconds = _interleaved(runs, device)
    per_image = {name: min(rounds) / shapes[name].batch for name, rounds in seconds.items()}
    return "fast" if per_image["fast"] < per_image["direct"] else "direct"


def _tensors(
    name: Chosen, shape: Shape, device: torch.device, bias: bool, gradients: bool | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Random images, weight and bias of a shape, in the memory layout that suits the algorithm."""
    generator = torch.Generator(device).manual_seed(0)
    normal = partial(torch.randn, generator=generator, device=device)
    images = normal(shape.batch, shape.channels, shape.height, shape.width)
    if name == "fast":
        images = images.contiguous(memory_format=torch.channels_last)
    weight = normal(shape.outputs, shape.channels, shape.kernel, shape.kernel)
    weight = weight.contiguous(memory_format=torch.channels_last).requires_grad_()
    images.requires_grad_(gradients is True)
    return images, weight, normal(shape.outputs).requires_grad_() if bias else None


def _run(name: Chosen, shape: Shape, tensors: tuple[Tensor, Tensor, Tensor | None], gradients: bool | None) -> None:
    """One forward pass, and a backward pass unless `gradients` is None."""
    with torch.set_grad_enabled(gradients is not None):
        result = convolve(name, *tensors, shape)
        if gradients is not None:
            wanted = [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]
            torch.autograd.grad(result, wanted, torch.ones_like(result))


def _interleaved(runs: Mapping[Chosen, Callable[[], None]], device: torch.device) -> dict[Chosen, list[float]]:
    """Seconds of each run in each round, after one round of warm-up."""
    seconds: dict[Chosen, list[float]] = {name: [] for name in runs}
    for round_ in range(1 + TRIAL_ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if round_:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def convolve(name: Chosen, images: Tensor, weight: Tensor, bias: Tensor | None, shape: Shape) -> Tensor:
    """Convolve by one of the algorithms; both add the bias."""
    if name == "direct":
        return F.conv2d(images, _as_direct_likes(weight), bias, shape.stride, shape.padding)
    if shape.channels <= FEW_CHANNELS:
        return ColumnConvolution.apply(images, weight, bias, shape.stride, shape.padding)
    return block_convolution(images, weight, bias, shape)


def _as_direct_likes(weight: Tensor) -> Tensor:
    """A channels-last weight in the memory layout in which torch's convolution is fastest."""
    return weight if weight.is_cuda else weight.contiguous()


def set_algorithm(model: nn.Module, algorithm: str | Mapping[str, str]) -> None:
    """Set the algorithm of every `LargeKernelConv2d` of a model: one for all, or by the layers' names.

    `set_algorithm(model, chosen_algorithms(model))` fixes what "auto" chose, so that results repeat bit for bit.

    Raises:
        ValueError: an unknown algorithm, or the name of no such layer.
    """
    layers = dict(_layers(model))
    if isinstance(algorithm, str):
        algorithm = dict.fromkeys(layers, algorithm)
    for name, value in algorithm.items():
        if name not in layers:
            raise ValueError(
                f"the model has no large-kernel convolution '{name}'; it has: {', '.join(layers) or 'none'}"
            )
        layers[name].algorithm = _checked(value)


@contextmanager
def forced_algorithm(model: nn.Module, algorithm: Algorithm) -> Iterator[None]:
    """Context in which every `LargeKernelConv2d` of a model uses one algorithm; restores what they had before."""
    before = [(layer, layer.algorithm, layer.chosen) for _, layer in _layers(model)]
    set_algorithm(model, algorithm)
    try:
        yield
    finally:
        for layer, setting, chosen in before:
            layer.algorithm, layer.chosen = setting, chosen


def chosen_algorithms(model: nn.Module) -> dict[str, str]:
    """The algorithm of the last forward pass of each `LargeKernelConv2d` that has run, by the layer's name."""
    return {name: layer.chosen for name, layer in _layers(model) if layer.chosen is not None}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()


def _layers(model: nn.Module) -> Iterator[tuple[str, LargeKernelConv2d]]:
    return ((name, layer) for name, layer in model.named_modules() if isinstance(layer, LargeKernelConv2d))


def _checked(algorithm: str) -> Algorithm:
    for allowed in get_args(Algorithm):
        if algorithm == allowed:
            return allowed
    raise ValueError(f"algorithm {algorithm!r} of a convolution is unknown; allowed: {', '.join(get_args(Algorithm))}")
