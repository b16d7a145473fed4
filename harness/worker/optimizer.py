"""The optimiser of training and timing trials."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


class Adam(torch.optim.Adam):
    """torch's fused Adam, without the import of torch's compiler, which takes two seconds in every process.

    torch wraps an optimiser's methods so that its compiler leaves them alone, and imports the compiler to do so.
    Nothing is compiled here, so that the methods themselves will do. Where torch does not wrap them, nothing changes.
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
