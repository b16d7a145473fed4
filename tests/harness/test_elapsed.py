"""The age of this process."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from harness import elapsed
from harness.elapsed import since_start

AGE = "import time; time.sleep(0.5); from harness.elapsed import since_start; print(since_start())"


def test_it_counts_from_the_start_of_the_process() -> None:
    began = time.monotonic()
    said = subprocess.run([sys.executable, "-c", AGE], capture_output=True, text=True, check=True)
    assert 0.5 <= float(said.stdout) <= time.monotonic() - began + 0.02  # ticks of a hundredth


@pytest.mark.parametrize("is_told", [True, False])
def test_it_goes_on_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch, is_told: bool) -> None:
    if not is_told:
        monkeypatch.setattr(elapsed, "started", lambda _: None)
    before = since_start()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    time.sleep(0.02)
    assert 0.02 <= since_start() - before < 60
