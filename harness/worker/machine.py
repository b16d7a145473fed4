"""Facts about the process and the machine that a result was measured on."""

from __future__ import annotations

import os
import platform
import resource
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

from harness.worker.allocator import describe_allocator
from harness.worker.processors import usable_cpus

PACKAGES = ("torch", "numpy", "ray", "mlflow")
FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq")


def describe_machine(device: torch.device) -> dict[str, str]:
    """Return what a reader needs to judge a measurement: hardware, system settings and versions, as text by name."""
    facts = {
        "host": platform.node(),
        "node": platform.node(),
        "cpu": _processor(),
        "cores": str(usable_cpus()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.0f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": str(torch.get_num_threads()),
        "niceness": str(os.nice(0)),
        "load": f"{os.getloadavg()[0]:.2f}",
        "governor": _first_line(FREQUENCY / "scaling_governor"),
        "clock_mhz": _clock(),
        "blas": "MKL" if torch.backends.mkl.is_available() else "other",
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "allocator": describe_allocator(),
        "device": "cpu" if device.type == "cpu" else torch.cuda.get_device_name(device),
        "driver": "none" if device.type == "cpu" else _first_line(Path("/proc/driver/nvidia/version")),
        "tf32": str(device.type != "cpu" and torch.backends.cuda.matmul.allow_tf32).lower(),
    }
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def peak_memory_mib(device: torch.device) -> float:
    """Return the peak memory of this process in MiB: allocated on the GPU, or resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def resident_mib() -> float:
    """Return the resident memory of this process in MiB."""
    return psutil.Process().memory_info().rss / 2**20


def _first_line(path: Path) -> str:
    try:
        return path.read_text().splitlines()[0].strip()
    except (OSError, IndexError):
        return "unknown"


def _clock() -> str:
    """Return the current clock of the processor in MHz, or "unknown"."""
    try:
        now = psutil.cpu_freq()
    except (OSError, NotImplementedError):
        return "unknown"
    return f"{now.current:.0f}" if now is not None and now.current else "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
