"""Count the arithmetic of an iteration, and measure how fast this machine multiplies matrices."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from harness.worker.timing.clock import seconds_of
from variants.contract import Variant
from variants.conv.large_kernel import forced_algorithm

MATRIX_SIDES = {"cpu": 2048, "cuda": 8192}  # of the matrices that are multiplied
MATRIX_PRODUCTS = 5


def matrix_product_rate(device: torch.device) -> float:
    """Return the floating-point operations per second of large float32 matrix products, as the median."""
    side = MATRIX_SIDES[device.type]
    left, right = (torch.randn(side, side, device=device) for _ in range(2))
    result = torch.empty(side, side, device=device)
    seconds = seconds_of(lambda: torch.mm(left, right, out=result), 1 + MATRIX_PRODUCTS, device)
    return float(2 * side**3 / sorted(seconds[1:])[MATRIX_PRODUCTS // 2])


def multiply_adds(model: Variant, images: Tensor) -> float:
    """Return the multiply-adds of a forward pass for one image, with direct convolutions."""
    model.eval()
    with torch.inference_mode(), forced_algorithm(model, "direct"):
        count = count_flops(lambda: model(images)) / 2 / len(images)
    model.train()
    return count


def count_flops(call: Callable[[], object]) -> float:
    """Return the floating-point operations of the matrix products and convolutions in a call, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())
