"""One driver at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.record.lock import only_driver

HOLD = """
import sys, time
from pathlib import Path
from harness.record.lock import only_driver
with only_driver(Path(sys.argv[1]), "mine"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock of the suite `mine`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_in_one_line(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(UserError) as caught, only_driver(tmp_path, "mine"):
        pass
    assert str(caught.value) == (
        f"the suite 'mine' is being run into {tmp_path} by process {holder.pid}; wait for it or stop it."
    )
    with only_driver(tmp_path, "other"):  # another suite is none of its business
        pass


def test_a_dead_holders_lock_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with only_driver(tmp_path, "mine"):
        pass


def test_it_is_free_again_after_the_end_and_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), only_driver(tmp_path, "mine"):
            raise KeyError
    with only_driver(tmp_path, "mine"), pytest.raises(UserError, match=str(os.getpid())), only_driver(tmp_path, "mine"):
        pass
