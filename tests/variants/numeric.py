"""What the formula tests share: gradients by central differences, and the formulas in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from torch import Tensor


def gradient(
    function: Callable[[np.ndarray], float],
    at: np.ndarray,
    entries: Iterable[tuple[int, ...]] | None = None,
    step: float = 1e-6,
) -> np.ndarray:
    """∂function/∂at at the named entries (all of them by default) by central differences; NaN elsewhere."""
    result = np.full(at.shape, np.nan)
    for entry in np.ndindex(at.shape) if entries is None else entries:
        above, below = at.copy(), at.copy()
        above[entry] += step
        below[entry] -= step
        result[entry] = (function(above) - function(below)) / (2 * step)
    return result


def grad_of(tensor: Tensor) -> Tensor:
    """The gradient that a backward pass has left in a tensor."""
    assert tensor.grad is not None
    return tensor.grad


def squash(vector: np.ndarray) -> np.ndarray:
    """‖s‖²/(1+‖s‖²) · s/‖s‖ of one vector."""
    length = np.sqrt(sum(x * x for x in vector))
    if length == 0:
        return np.zeros_like(vector)
    return length**2 / (1 + length**2) * vector / length


def correlate(images: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Unpadded convolution of (batch, channels, height, width) with (out, channels, kernel, kernel)."""
    kernel = weight.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(images, (kernel, kernel), axis=(2, 3))
    return np.einsum("bcyxkl,ockl->boyx", windows[:, :, ::stride, ::stride], weight) + bias[:, None, None]
