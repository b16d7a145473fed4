"""What is told of a machine."""

from __future__ import annotations

from importlib.metadata import version

import psutil
import torch

from harness.worker.machine import describe_machine, peak_memory_mib
from harness.worker.processors import usable_cpus

CPU = torch.device("cpu")


def test_facts() -> None:
    facts = describe_machine(CPU)
    assert all(isinstance(value, str) and value for value in facts.values())
    assert facts["torch"] == version("torch")
    assert facts["threads"] == "1"  # as these tests set it
    assert facts["cores"] == str(usable_cpus()) != "0"
    assert facts["device"] == "cpu"
    assert facts["tf32"] == "false"


def test_peak_memory_is_that_of_this_process() -> None:
    resident = psutil.Process().memory_info().rss / 2**20
    assert resident * 0.9 < peak_memory_mib(CPU) < 64 * 1024
