"""Code of the user's does not end the process, and what it prints goes aside."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.errors import UserError
from harness.plugins.foreign_code import foreign_code, state_restored, stdout_to_stderr


@pytest.mark.parametrize("code", [None, 0, 1, "no"])
def test_nobody_leaves_the_program(code: object) -> None:
    with pytest.raises(UserError, match="leaves the program"), state_restored():
        sys.exit(code)  # type: ignore[arg-type]


def test_nobody_ends_the_process_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    leave = os._exit

    def end() -> None:
        print("something")
        if os.fork() == 0:  # a process of its own may end so
            os._exit(0)
        os.wait()
        os._exit(0)

    with pytest.raises(UserError, match="leaves the program"), foreign_code():
        end()
    assert os._exit is leave
    assert capfd.readouterr() == ("", "something\n")


def test_standard_output_is_for_results_alone(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with stdout_to_stderr():
        print("by Python")
        os.write(1, b"past it\n")
        subprocess.run(["echo", "by a program"], check=True)
    print("after")
    said = capfd.readouterr()
    assert said.out == "before\nafter\n"
    assert sorted(said.err.splitlines()) == ["by Python", "by a program", "past it"]


def test_last_words_go_aside_too() -> None:
    script = (
        "import atexit\nfrom harness.plugins.foreign_code import foreign_code\n"
        "with foreign_code():\n    atexit.register(print, 'farewell', end='!')\n"
        "print('{}')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{}\n", "farewell!")
