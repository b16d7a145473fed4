"""What still uses a run's folder is ended with the run, and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from harness.engine.reaper import reaped

HOLD = "import sys, time; file = open(sys.argv[1], 'w'); print(flush=True); time.sleep(60)"


def holding(path: Path) -> subprocess.Popen[str]:
    """A process that has a file open."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_at_the_end_those_that_are_left_are_killed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with (folder / "mine").open("w"), holding(tmp_path / "folder.txt") as stranger:
        with holding(folder / "theirs") as user, reaped(folder):
            assert user.poll() is None
        assert user.returncode == -signal.SIGKILL
        assert stranger.poll() is None
        stranger.kill()
    assert not folder.exists()


def test_a_driver_that_is_killed_takes_them_along(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    script = (
        "import os, signal, sys; from pathlib import Path; from harness.engine.reaper import reaped\n"
        "with reaped(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    with holding(folder / "theirs") as user:
        subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
        assert user.wait(30) == -signal.SIGKILL
