"""The device that a process computes on."""

from __future__ import annotations

import torch

from harness.device import choose_device, synchronize

CPU = torch.device("cpu")


def test_without_a_gpu_the_processor_is_chosen() -> None:
    assert choose_device(False) == CPU
    if not torch.cuda.is_available():
        assert choose_device(True) == CPU
    synchronize(CPU)
