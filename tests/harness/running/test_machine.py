"""What is told of a machine."""

from __future__ import annotations

import os

import psutil
import pytest
import torch

from harness.running.machine import (
    ALLOCATOR,
    choose_device,
    describe_machine,
    is_allocator_set,
    peak_memory_mib,
    synchronize,
)

CPU = torch.device("cpu")


def test_facts() -> None:
    facts = describe_machine(CPU)
    assert all(isinstance(value, str) and value for value in facts.values())
    assert facts["torch"] == torch.__version__.partition("+")[0] or facts["torch"] == torch.__version__
    assert facts["threads"] == str(torch.get_num_threads())
    assert facts["cores"] == str(os.cpu_count())
    assert facts["device"] == "cpu"
    assert facts["tf32"] == "false"


def test_allocator_settings_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ALLOCATOR.items():
        monkeypatch.setenv(name, value)
    assert is_allocator_set()
    assert describe_machine(CPU)["allocator"] == "keeps memory"
    monkeypatch.delenv(next(iter(ALLOCATOR)))
    assert not is_allocator_set()


def test_peak_memory_is_that_of_this_process() -> None:
    resident = psutil.Process().memory_info().rss / 2**20
    assert resident * 0.9 < peak_memory_mib(CPU) < 64 * 1024


def test_without_a_gpu_the_processor_is_chosen() -> None:
    assert choose_device(False) == CPU
    if not torch.cuda.is_available():
        assert choose_device(True) == CPU
    synchronize(CPU)
