"""The processors and memory that this process may use, within its affinity and the limits of its control groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import inf
from pathlib import Path

import psutil

MEMBERSHIP = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")
MEMORY = {
    "memory.max": "memory.current",
    "memory.limit_in_bytes": "memory.usage_in_bytes",
}  # file of the limit: file of the usage


def usable_cpus() -> int:
    """Return the number of processors in this process's affinity, at most the CPU quota of its control groups."""
    return max(1, int(min(len(os.sched_getaffinity(0)), cpu_quota())))


def usable_memory() -> int:
    """Return the bytes of memory that are free on the machine and in the control groups of this process."""
    return max(0, int(min(psutil.virtual_memory().available, memory_left())))


def cpu_quota(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> float:
    """Return the CPU quota of this process's control groups, in processors; infinite if there is no limit."""
    quotas = [inf]
    for group in _groups("cpu", membership, mount):
        quota, *rest = _numbers(group / "cpu.max") or _numbers(group / "cpu.cfs_quota_us") or [0.0]
        period = rest or _numbers(group / "cpu.cfs_period_us")
        if quota > 0 and period and period[0] > 0:
            quotas.append(quota / period[0])
    return min(quotas)


def memory_left(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> float:
    """Return the bytes that this process's control groups have left; infinite if there is no limit."""
    left = [inf]
    for group in _groups("memory", membership, mount):
        for limit_name, used_name in MEMORY.items():
            limit, used = _numbers(group / limit_name), _numbers(group / used_name)
            if limit and used:
                left.append(limit[0] - max(0.0, used[0] - _files(group)))
    return min(left)


def _files(group: Path) -> float:
    """Return the bytes of a group's page cache, which can be reclaimed."""
    try:
        told = dict(line.split(maxsplit=1) for line in (group / "memory.stat").read_text().splitlines())
        return sum(float(told.get(name, 0)) for name in ("inactive_file", "active_file"))
    except (OSError, ValueError):
        return 0.0


def _groups(controller: str, membership: Path, mount: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups and their ancestors, of cgroup v1 and v2."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = mount / controller if controllers else mount
        own = root / path.lstrip("/")
        yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(root))


def _numbers(path: Path) -> list[float]:
    """Return the numbers in a file; none if it is missing or says "max"."""
    try:
        return [float(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
