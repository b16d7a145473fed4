"""Time calls: by the process's clock on a CPU, by CUDA events on a GPU."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from harness.device import synchronize


def seconds_of(call: Callable[[], object], count: int, device: torch.device) -> list[float]:
    """Return the seconds of each of `count` calls."""
    timer = _time_on_gpu if device.type == "cuda" else _time_on_cpu
    return [timer(call, device) for _ in range(count)]


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Collect garbage first, and disable the collector inside."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _time_on_cpu(call: Callable[[], object], _: torch.device) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _time_on_gpu(call: Callable[[], object], device: torch.device) -> float:
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    synchronize(device)
    begin.record()
    call()
    end.record()
    synchronize(device)
    return float(begin.elapsed_time(end)) / 1000  # milliseconds
