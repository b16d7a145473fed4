"""The size of a variant, found without memory for its weights."""

from __future__ import annotations

from typing import Any

import torch

import variants

COPIES = 3  # a checkpoint holds the weights and Adam's two moments
WORD = 4  # bytes


def parameter_count(variant: str, config: dict[str, Any]) -> int:
    """Trainable parameters of a variant."""
    with torch.device("meta"):
        model = variants.build(variant, **config)
    return sum(p.numel() for p in model.parameters())


def checkpoint_bytes(variant: str, config: dict[str, Any]) -> int:
    """About how large a trial's checkpoint is; two are kept."""
    return 2 * COPIES * WORD * parameter_count(variant, config)
