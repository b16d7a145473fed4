"""Choose and synchronize the torch device of a process."""

from __future__ import annotations

import torch


def choose_device(gpu: bool) -> torch.device:
    """Return the GPU if one was granted and torch can use it, else the CPU."""
    return torch.device("cuda" if gpu and torch.cuda.is_available() else "cpu")


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished all kernels that were launched on it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
