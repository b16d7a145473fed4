"""How many processors and how much memory a process may use."""

from __future__ import annotations

import os
from math import inf
from pathlib import Path

import pytest

from harness.worker import processors
from harness.worker.processors import cpu_quota, memory_left, usable_cpus

V2 = "0::/user/job\n"
V1 = "5:memory:/job\n4:cpu,cpuacct:/job\n0::/elsewhere\n"


@pytest.mark.parametrize(
    ("membership", "settings", "expected"),
    [
        (V2, {"user/job/cpu.max": "150000 100000"}, 1.5),
        (V2, {"user/job/cpu.max": "max 100000", "user/cpu.max": "300000 100000"}, 3),  # of the one above
        (V2, {"user/job/cpu.max": "400000 100000", "cpu.max": "200000 100000"}, 2),  # the smallest
        (V2, {"user/job/cpu.max": "max 100000"}, inf),
        (V1, {"cpu/job/cpu.cfs_quota_us": "250000", "cpu/job/cpu.cfs_period_us": "100000"}, 2.5),
        (V1, {"cpu/job/cpu.cfs_quota_us": "-1", "cpu/job/cpu.cfs_period_us": "100000"}, inf),
        (V1, {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "50000"}, 2),  # as a container sees it
        (V2, {}, inf),
        ("", {}, inf),
    ],
)
def test_quotas(tmp_path: Path, membership: str, settings: dict[str, str], expected: float) -> None:
    assert cpu_quota(place(tmp_path, membership, settings), tmp_path) == expected


@pytest.mark.parametrize(
    ("membership", "settings", "expected"),
    [
        (V2, {"user/job/memory.max": "1000", "user/job/memory.current": "400"}, 600),
        (
            V2,
            {
                "user/job/memory.max": "1000",
                "user/job/memory.current": "400",
                "user/job/memory.stat": "anon 100\ninactive_file 200\nactive_file 100\n",
            },
            900,  # files can be given back
        ),
        (V2, {"user/job/memory.max": "max", "user/job/memory.current": "400"}, inf),
        (V1, {"memory/job/memory.limit_in_bytes": "50", "memory/job/memory.usage_in_bytes": "20"}, 30),
    ],
)
def test_memory(tmp_path: Path, membership: str, settings: dict[str, str], expected: float) -> None:
    assert memory_left(place(tmp_path, membership, settings), tmp_path) == expected


def place(folder: Path, membership: str, settings: dict[str, str]) -> Path:
    """Write the settings of control groups; the file that says which of them this process is in."""
    for name, value in settings.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(value)
    (folder / "membership").write_text(membership)
    return folder / "membership"


@pytest.mark.parametrize(("quota", "expected"), [(inf, 6), (1.5, 1), (0.2, 1), (4, 4)])
def test_the_smaller_of_affinity_and_quota(monkeypatch: pytest.MonkeyPatch, quota: float, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.setattr(processors, "cpu_quota", lambda: quota)
    assert usable_cpus() == expected
