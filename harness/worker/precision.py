"""Apply the precision of a trial: float32, TensorFloat-32 or autocast to bfloat16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

from harness.suite.protocol import Precision


@contextmanager
def products_in(precision: Precision) -> Iterator[None]:
    """Compute float32 products and convolutions on GPUs in TensorFloat-32 if `precision` is "tf32", else in full."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def forward_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return a context for a forward pass and its loss: autocast if `precision` is "bfloat16"; weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")
