"""The precision of a trial: an explicit setting, recorded with its result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

from harness.suite.protocol import Precision


@contextmanager
def products_in(precision: Precision) -> Iterator[None]:
    """A GPU's float32 products in TensorFloat-32 or, unless that is asked for, in full."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def forward_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Around a forward pass and its loss: autocast to bfloat16 if that is asked for; weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")
