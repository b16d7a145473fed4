"""What becomes of a command whose terminal or reader goes away, with real pipes and terminals."""

from __future__ import annotations

import errno
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.streams import standard_output
from harness.errors import UserError

ROOT = Path(__file__).parents[3]
Write = Callable[..., Path]
Cli = Callable[..., Any]
HARNESS = [sys.executable, "-m", "harness"]
# the same without the figures of the report, which take seconds
RUN = [
    *(sys.executable, "-c"),
    "import harness.report.build as build; draw = build.draw_all; build.draw_all = lambda *_: draw(None)\n"
    "from harness.cli.main import main; main()",
    *("run", "--serial"),
]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def script(text: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A Python script as a process of its own, in which `outlive_readers` has been called."""
    text = f"import os, sys\nfrom harness.cli.streams import *\noutlive_readers()\n{text}"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([sys.executable, "-c", text], text=True, check=False, env=environment(), **options)


@pytest.mark.slow
def test_a_run_outlives_its_terminal_and_the_reader_of_its_tables(tiny_suite: Path, tiny: Path, results: Path) -> None:
    """The terminal is hung up after the first trial, which sends SIGHUP and fails every further write.

    The suite comes through a pipe, and its text is kept in the record all the same.
    """
    text = tiny_suite.read_text().replace("rounds: 2", "rounds: 1")
    suite, source = os.pipe()
    os.write(source, text.encode())
    os.close(source)
    os.set_inheritable(suite, True)
    reading, writing = os.pipe()
    os.close(reading)
    child, terminal = pty.fork()
    if child == 0:  # its standard streams are the terminal
        os.dup2(writing, 1)
        os.chdir(ROOT)
        os.execve(
            sys.executable,
            [*RUN, f"/dev/fd/{suite}", "--plugin", str(tiny), "--results", str(results)],
            environment(TERM="xterm"),
        )
    os.close(writing)
    os.close(suite)
    said = b""
    while b"[1/" not in said:
        said += os.read(terminal, 4096)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    reports = list(results.rglob("report.md"))
    assert reports
    assert all("tiny h=6" in report.read_text() for report in reports)
    assert [path.read_text() for path in results.rglob("suite.yaml")] == [text]


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_streams_that_are_closed_at_the_start_are_not_taken_by_files(tmp_path: Path, closed: str) -> None:
    number = {"stdout": 1, "stderr": 2}[closed]
    done = script(
        f"file = open({str(tmp_path / 'file')!r}, 'w')\nprint('one'); print('two', file=sys.stderr)\n"
        f"os.write({number}, b'three')\nsys.exit(7 if file.fileno() > 2 else 1)",
        preexec_fn=lambda: os.close(number),
    )
    assert done.returncode == 7
    assert (tmp_path / "file").read_text() == ""
    assert done.stdout + done.stderr == {"stdout": "two\n", "stderr": "one\n"}[closed]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_went_away_changes_no_exit_code(stream: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = script(
        f"for number in range(20_000): print(number, file=sys.{stream})\nsys.exit(5)",
        **{stream: writing},
    )
    os.close(writing)
    assert (done.returncode, (done.stdout or "") + (done.stderr or "")) == (5, "")


def test_progress_waits_for_a_reader_that_has_stopped_but_not_for_ever() -> None:
    reading, writing = os.pipe()
    text = "streams.READER_TIMEOUT = 0.3\nfrom harness.cli.streams import outlive_readers; outlive_readers()\n"
    text = f"import sys; from harness.cli import streams\n{text}for _ in range(99): print('x' * 9999, file=sys.stderr)"
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", f"{text}\nsys.exit(5)"], stderr=writing, env=environment(), check=False
    )
    os.close(writing)
    assert (done.returncode, time.monotonic() - begun < 20) == (5, True)
    assert len(os.read(reading, 2**20)) > 2 * 9999
    os.close(reading)


def test_data_wait_for_a_slow_reader(tmp_path: Path) -> None:
    text = "streams.READER_TIMEOUT = 0.0\noutlive_readers()\nwith standard_output() as out: out.write('x' * 300_000)"
    command = [sys.executable, "-c", f"from harness.cli import streams\nfrom harness.cli.streams import *\n{text}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        time.sleep(0.5)
        assert process.stdout is not None
        assert len(process.stdout.read()) == 300_000


def test_a_listing_to_a_full_disk_is_one_sentence() -> None:
    with open("/dev/full", "w") as full:
        command = [*HARNESS, "list", "suites", "--json"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment(), cwd=ROOT
        )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "cannot write to standard output: No space left on device" in line


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "9x9 - 3+/-1 -2 u ? ?"), ("latin-1", "9×9 · 3±1 -2 ü ? ?"), ("utf-8", "9×9 · 3±1 −2 ü 🜁 ?")],
)
def test_no_encoding_refuses_a_text(encoding: str, shown: str) -> None:
    command = [
        sys.executable,
        "-c",
        "from harness.cli.streams import *; outlive_readers(); print('9×9 · 3±1 −2 ü 🜁 \\udc80')",
    ]
    done = subprocess.run(command, capture_output=True, check=True, env=environment(PYTHONIOENCODING=encoding))
    assert done.stdout.decode(encoding) == f"{shown}\n"


def test_only_data_are_on_standard_output() -> None:
    done = script(
        "with standard_output(alone=True) as out:\n"
        "    print('from a plugin')\n"
        "    os.system('echo from a process')\n"
        "    os.write(1, b'from a library\\n')\n"
        "    out.write('{}')\n"
        "print(' and then')"
    )
    assert (done.returncode, done.stdout) == (0, "{} and then\n")
    for what in ("plugin", "process", "library"):
        assert f"from a {what}\n" in done.stderr


def test_json_stands_alone_though_a_plugin_prints(cli: Cli, tmp_path: Path, write: Write) -> None:
    plugin = write(
        "from variants import Config, Variant, register\n"
        "print('at the import')\n"
        "class LoudConfig(Config):\n"
        "    @property\n"
        "    def label(self): print('when named'); return ''\n"
        "@register('loud')\n"
        "class Loud(Variant):\n"
        "    Config = LoudConfig\n"
        "    def __init__(self, config): super().__init__(config); print('when built')\n",
        "loud.py",
    )
    suite = write("name: loud\ntimes: {threads: 1, rounds: 1, rows: [{variant: loud}]}")
    said = cli("plan", suite, "--plugin", plugin, "--json", "--results", tmp_path / "results")
    assert said.code == 0, said
    assert {trial["variant"] for trial in json.loads(said.out)["trials"]} == {"loud"}
    for when in ("at the import", "when built", "when named"):
        assert when in said.err


def test_what_was_lost_is_told_unless_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from harness.cli import streams

    for number, is_told in ((errno.EPIPE, False), (errno.EIO, False), (errno.ENOSPC, True), (errno.EFBIG, True)):
        raw = streams._Lenient(1)
        monkeypatch.setattr(streams, "os", _Failing(number))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(raw)))
        if is_told:
            with pytest.raises(UserError, match="not complete"), standard_output() as out:
                out.write("lost")
        else:
            with standard_output() as out:
                out.write("lost")


class _Failing:
    """The module `os`, whose writes fail."""

    def __init__(self, number: int) -> None:
        self.number = number

    def write(self, *_: object) -> int:
        raise OSError(self.number, "told to fail")

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)
