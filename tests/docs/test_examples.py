"""The examples of the documentation do what it says of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from harness.cli.main import app
from harness.suite.load import load_suite
from tests.docs.documents import ROOT, Block, block_with, blocks, commands, links, shell_lines, spans
from variants import VARIANTS

HARNESS = r"python -m harness"
IN_BLOCKS = commands(HARNESS, shell_lines())
NO_BRACKETS = str.maketrans("", "", "[]")
# in the text, what is optional stands in brackets
EVERYWHERE = sorted(
    {*IN_BLOCKS, *(tuple(re.sub(r"[][]", "", " ".join(c)).split()) for c in commands(HARNESS, spans()))}
)
CHEAP = [command for command in IN_BLOCKS if command and command[0] in ("plan", "list", "doctor")]
FILE = re.compile(r"(?:docs|harness|results|suites|tests|variants)/[\w/.-]+\.(?:md|py|yaml)")
REST_OF_A_SUITE = """
name: example
protocols: {capsnet: {batch_size: 20, epochs: 1, learning_rate: 0.01}}
times: {rows: [{variant: cnn}]}
"""


def run(arguments: list[str], folder: Path) -> str:
    """The standard output of Python, started in a folder.

    Raises:
        AssertionError: it has failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: f"{block.page}: {block.text.splitlines()[0]}")
def test_python_compiles(block: Block) -> None:
    compile(block.text, block.page, "exec")


def test_a_variant_is_built_by_its_name() -> None:
    names: dict[str, object] = {}
    exec(block_with("variants.build("), names)
    assert isinstance(names["model"], VARIANTS.get("lcapsnet"))


def test_an_entry_point_is_of_the_group_that_is_looked_for() -> None:
    [block] = blocks("toml")
    assert tomllib.loads(block.text)["project"]["entry-points"].keys() == {VARIANTS.group}


def test_the_parts_of_a_suite_are_read_as_one(tmp_path: Path) -> None:
    numbers = ROOT / "results" / "published" / "ladder-capsule-network.yaml"
    (tmp_path / "my-numbers.yaml").write_text(numbers.read_text())
    suite = yaml.safe_load(REST_OF_A_SUITE)
    [protocol] = suite["protocols"].values()
    suite["protocols"] |= {"cnn": protocol, "ladder": protocol}
    parts = [yaml.safe_load(block.text) for block in blocks("yaml")]
    for part in parts:
        assert not part.keys() & suite.keys()
        suite |= part
    (tmp_path / "suite.yaml").write_text(json.dumps(suite))
    chosen = load_suite(tmp_path / "suite.yaml", "laptop")
    assert (chosen.budget, chosen.suite.times.iterations if chosen.suite.times else 0) == (1200.0, 6)
    assert {name: protocol.learning_rate for name, protocol in chosen.suite.protocols.items()} == {
        "capsnet": 0.01,
        "cnn": 0.01,
        "ladder": 0.002,
    }


@pytest.mark.parametrize("arguments", EVERYWHERE, ids=" ".join)
def test_a_command_has_the_options_it_is_given(arguments: tuple[str, ...]) -> None:
    command, rest = typer.main.get_command(app), list(arguments)
    while rest and (under := getattr(command, "commands", {}).get(rest[0])):
        command, rest = under, rest[1:]
    assert command.name != "harness" or rest in ([], ["--help"])
    takes_nothing = not rest and arguments[0] != "list"  # named without its arguments
    if not takes_nothing:
        command.make_context(command.name, rest)


@pytest.mark.parametrize("arguments", CHEAP, ids=" ".join)
def test_a_command_that_only_looks_runs(arguments: tuple[str, ...], tmp_path: Path, data_dir: Path) -> None:
    assert run(["-m", "harness", *arguments, "--results", str(tmp_path / "results")], ROOT)


def test_files_that_are_named_exist() -> None:
    named = {file for line in (*shell_lines(), *spans()) for file in FILE.findall(line)}
    assert len(named) > 5
    assert [file for file in sorted(named) if "NAME" not in file and not (ROOT / file).exists()] == []
    assert [f"{page.name}: {link}" for page, link in links() if not (page.parent / link).exists()] == []


def test_make_has_the_targets_and_variables_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    given = commands("make", [*shell_lines(), *spans()])
    assert len(given) > 5
    for word in {word for words in given for word in words}:
        name, is_variable, _ = word.partition("=")
        assert re.search(rf"^{name}{r' [?:]=' if is_variable else ':'}", makefile, re.MULTILINE), word
