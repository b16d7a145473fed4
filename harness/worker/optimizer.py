"""The optimiser of training and timing trials."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


class Adam(torch.optim.Adam):
    """torch's fused Adam, without importing torch's compiler.

    torch wraps the methods of an optimizer so that its compiler leaves them alone, and imports the compiler to do so.
    Nothing is compiled here, so the unwrapped methods are called; if torch does not wrap them, nothing changes.
    Importing the compiler takes 1.2 to 2.3 seconds and 149 MiB. Even if the fork server did it once, the first trial
    would wait for it, and the memory would be reported of every trial.
    """

    def __init__(self, model: nn.Module, learning_rate: float) -> None:
        for name in WRAPPED:
            method = inspect.unwrap(getattr(torch.optim.Optimizer, name))
            method.__dict__["__dynamo_disable"] = method  # as an attribute its name would be mangled in a class
        super().__init__(model.parameters(), lr=learning_rate, fused=True)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update of all parameters from their gradients."""
        return inspect.unwrap(torch.optim.Adam.step)(self, closure)
