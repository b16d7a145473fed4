"""The command line as a whole: its help, and how a command may end."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError

Cli = Callable[..., Any]
ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "ray", "mlflow", "pandas", "numpy", "scipy", "matplotlib", "pydantic")
COMMANDS = [
    [],
    ["run"],
    ["plan"],
    ["report"],
    ["compare"],
    ["list"],
    ["ui"],
    ["clean"],
    ["doctor"],
    ["data"],
    ["data", "fetch"],
    ["data", "verify"],
    ["data", "show"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(cli: Cli, command: list[str]) -> None:
    said = cli(*command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Usage: ")


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    said = cli()
    assert said.code == 2
    assert "Commands:" in said.err + said.out


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    script = (
        "import sys; sys.argv = ['harness', '--help']\n"
        "from harness.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["run"], ["SUITE"]),
        (["frobnicate"], ["frobnicate"]),
    ],
)
def test_mistakes_in_the_command(cli: Cli, arguments: list[str], parts: list[str]) -> None:
    line = cli(*arguments).sentence
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("raised", "code", "part"),
    [
        (SystemExit(0), 2, "has ended the program with sys.exit(0)"),
        (SystemExit(None), 2, "has ended the program"),
        (SystemExit("usage: mine.py"), 2, "sys.exit('usage: mine.py')"),
        (KeyboardInterrupt(), 130, "interrupted; what is done is kept, and this resumes it: python -m"),
        (MemoryError(), 1, "too little memory"),
        (UserError("a\nb \x1b[31m\x07c"), 2, "a b [31mc"),
    ],
)
def test_however_a_command_ends_it_says_so_in_one_sentence(
    cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, part: str
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("harness.preview.preview", fail)
    said = cli("plan", suite, "--results", tmp_path)
    assert (said.code, said.out) == (code, "")
    [line] = said.err.splitlines()
    assert part in line


def test_json_is_alone_on_standard_output(cli: Cli, suite: Path, results: Path, data_dir: Path) -> None:
    for command in (
        ["plan", suite, "--results", results],
        ["list", "variants"],
        ["list", "datasets"],
        ["list", "suites"],
        ["list", "runs", "--results", results],
        ["data", "verify", "--data-dir", data_dir],
    ):
        said = cli(*command, "--json")
        assert said.code == 0, said
        json.loads(said.out)


def test_no_other_room_imports_the_command_line() -> None:
    for path in [*ROOT.glob("harness/**/*.py"), *ROOT.glob("variants/**/*.py")]:
        if path.parent.name != "cli" and path.name != "__main__.py":
            nodes = list(ast.walk(ast.parse(path.read_text())))
            names = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
            names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
            assert not any(name and name.startswith("harness.cli") for name in names), path
