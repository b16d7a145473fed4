"""Who else uses the processors."""

from __future__ import annotations

import subprocess
import sys
import time

from harness.worker.timing.contention import MAX_CONTENTION, CpuContention

BUSY_LOOP = "import time\nend = time.monotonic() + 20\nwhile time.monotonic() < end: pass"


def busy(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_load_beside_this_process_is_noticed_and_its_own_work_is_not() -> None:
    """Compared with the same without the load, since something else may run on the machine."""
    with CpuContention() as before:
        busy(1.0)
    with subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) as load:
        time.sleep(0.3)
        with CpuContention() as during:
            busy(1.0)
        load.kill()
    assert during.cores - before.cores > 0.4  # of a core, where this process wants one too
    assert during.cores > MAX_CONTENTION


def test_no_time_is_no_load() -> None:
    with CpuContention() as others:
        pass
    assert others.cores >= 0
