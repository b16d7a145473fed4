"""How many processors and how much memory this process may use, which can be less than the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import inf
from pathlib import Path

import psutil

MEMBERSHIP = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")
MEMORY = {"memory.max": "memory.current", "memory.limit_in_bytes": "memory.usage_in_bytes"}  # limit: what is used of it


def usable_cpus() -> int:
    """Processors that this process may keep busy: those of its affinity, and no more than its groups' quotas."""
    return max(1, int(min(len(os.sched_getaffinity(0)), cpu_quota())))


def usable_memory() -> int:
    """Bytes that the machine, and the control groups of this process, have left."""
    return max(0, int(min(psutil.virtual_memory().available, memory_left())))


def cpu_quota(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> float:
    """The processors that the control groups of this process get; infinite where there is no limit."""
    quotas = [inf]
    for group in _groups("cpu", membership, mount):
        quota, *rest = _numbers(group / "cpu.max") or _numbers(group / "cpu.cfs_quota_us") or [0.0]
        period = rest or _numbers(group / "cpu.cfs_period_us")
        if quota > 0 and period and period[0] > 0:
            quotas.append(quota / period[0])
    return min(quotas)


def memory_left(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> float:
    """The bytes that the control groups of this process have left; infinite where there is no limit."""
    left = [inf]
    for group in _groups("memory", membership, mount):
        for limit_name, used_name in MEMORY.items():
            limit, used = _numbers(group / limit_name), _numbers(group / used_name)
            if limit and used:
                left.append(limit[0] - max(0.0, used[0] - _files(group)))
    return min(left)


def _files(group: Path) -> float:
    """Bytes of files that a group keeps in memory, which it can give back."""
    try:
        told = dict(line.split(maxsplit=1) for line in (group / "memory.stat").read_text().splitlines())
        return sum(float(told.get(name, 0)) for name in ("inactive_file", "active_file"))
    except (OSError, ValueError):
        return 0.0


def _groups(controller: str, membership: Path, mount: Path) -> Iterator[Path]:
    """The folders of this process's control groups, its own and those above it, of both versions."""
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
    """The numbers of a setting; none where it is missing or sets no limit."""
    try:
        return [float(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
