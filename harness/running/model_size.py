"""The size of a variant, found without memory for its weights."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch

import variants

COPIES = 3  # a checkpoint holds the weights and Adam's two moments
WORD = 4  # bytes


def parameter_count(variant: str, config: dict[str, Any]) -> int | None:
    """Trainable parameters of a variant; None if it can't be built, which its own trial will tell."""
    for device in ("meta", "cpu"):  # a constructor may need real numbers
        with suppress(Exception), torch.device(device):
            return sum(p.numel() for p in variants.build(variant, **config).parameters())
    return None


def checkpoint_bytes(variant: str, config: dict[str, Any]) -> int:
    """About how large a trial's checkpoint is; two are kept."""
    return 2 * COPIES * WORD * (parameter_count(variant, config) or 0)
