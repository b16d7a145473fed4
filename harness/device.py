"""The device that a process computes on."""

from __future__ import annotations

import torch


def choose_device(gpu: bool) -> torch.device:
    """The GPU if one was granted and torch can use it, else the processor."""
    return torch.device("cuda" if gpu and torch.cuda.is_available() else "cpu")


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished all work that was submitted to it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
