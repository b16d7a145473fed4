"""Tensors to convolve, and how far a result is off."""

import torch
from torch import Tensor


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Normally distributed numbers, the same for the same seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def relative_error(value: Tensor, exact: Tensor) -> float:
    """The length of the difference over that of the exact tensor."""
    return ((value.double() - exact).norm() / exact.norm().clamp_min(1e-30)).item()
