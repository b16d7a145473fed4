"""Count a variant's parameters without allocating its weights."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

import variants
from harness.plugins.foreign_code import foreign_code

CHECKPOINT_COPIES = 3  # a checkpoint holds the weights and Adam's two moments
VALUE_BYTES = 4  # of a float32


class SkipInit(TorchFunctionMode):
    """Skips the initialization of parameters: on the meta device it would make torch import its compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def parameter_count(variant: str, config: dict[str, Any]) -> int | None:
    """Return the number of a variant's parameters; None if it can't be built, which its own trial will report."""
    with suppress(Exception), foreign_code(), torch.device("meta"), SkipInit():
        return sum(p.numel() for p in variants.build(variant, **config).parameters())
    with suppress(Exception), foreign_code():  # a constructor may need real numbers
        return sum(p.numel() for p in variants.build(variant, **config).parameters())
    return None


def checkpoint_bytes(variant: str, config: dict[str, Any]) -> int:
    """Return the approximate size of a trial's checkpoints in bytes; two are kept."""
    return 2 * CHECKPOINT_COPIES * VALUE_BYTES * (parameter_count(variant, config) or 0)
