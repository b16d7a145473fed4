"""Counted operations against the formula, and a rate that agrees with a product timed by hand."""

from __future__ import annotations

import time
from functools import partial
from typing import Literal

import pytest
import torch

import variants
from harness.worker.timing.flops import count_flops, matrix_product_rate, multiply_adds
from variants.conv.large_kernel import LargeKernelConv2d, chosen_algorithms


def test_operations_of_a_product_and_its_gradients() -> None:
    left, right = torch.randn(5, 6, requires_grad=True), torch.randn(6, 7, requires_grad=True)
    assert count_flops(lambda: (left @ right).sum().backward()) == 3 * 2 * 5 * 6 * 7


def test_operations_of_a_model_in_torchs_own_operators() -> None:
    """Multiply-adds of the first convolution, PrimaryCaps, votes with two uses in each pass, decoder; all but the
    first with two gradients."""
    model = variants.build("capsnet", width=16, convolution="direct", routing="reference", routing_iterations=1)
    images, labels = torch.rand(2, 1, 28, 28), torch.tensor([3, 4])

    def iteration() -> None:
        model.loss(model(images, labels), images, labels).backward()

    first, primary = 20 * 20 * 16 * 81, 6 * 6 * 256 * 16 * 81
    votes, decoder = 1152 * 8 * 160, 160 * 512 + 512 * 1024 + 1024 * 784
    assert count_flops(iteration) == 2 * 2 * (2 * first + 3 * (primary + votes + decoder))


def test_multiply_adds_are_those_of_direct_convolutions_whatever_is_used() -> None:
    model = variants.build("cnn", width=8, convolution="fast")
    images = torch.rand(2, 1, 28, 28)
    model(images)
    before = chosen_algorithms(model)
    convolutions = 784 * 25 * (1 * 8 + 8 * 8 + 8 * 4)
    assert multiply_adds(model, images) == convolutions + 784 * 4 * 328 + 328 * 192 + 192 * 10
    assert chosen_algorithms(model) == before  # what was timed is what the record tells
    model(images)
    assert chosen_algorithms(model) == before == dict.fromkeys(before, "fast")
    assert model.training


def backward(layer: LargeKernelConv2d, images: torch.Tensor) -> None:
    layer(images).sum().backward()


def test_the_fast_convolution_does_less() -> None:
    images = torch.randn(100, 64, 20, 20, requires_grad=True)
    counts = {}
    algorithms: tuple[Literal["direct", "fast"], ...] = ("direct", "fast")
    for algorithm in algorithms:
        layer = LargeKernelConv2d(64, 64, 9, stride=2, algorithm=algorithm)
        counts[algorithm] = count_flops(partial(backward, layer, images))
    assert counts["direct"] == 3 * 2 * 100 * 36 * 64 * 64 * 81
    assert counts["fast"] < 0.4 * counts["direct"]


def test_the_rate_is_that_of_a_matrix_product() -> None:
    torch.manual_seed(0)
    left, right = torch.randn(1024, 1024), torch.randn(1024, 1024)
    left @ right
    rates = []
    for _ in range(9):
        start = time.perf_counter()
        left @ right
        rates.append(2 * 1024**3 / (time.perf_counter() - start))
    assert matrix_product_rate(torch.device("cpu")) == pytest.approx(max(rates), rel=0.7)
