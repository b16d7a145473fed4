"""A plugin that does what it should not: the commands go on, and the other rows do not notice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NUMBERS = itertools.count()
NASTY = """
import enum, logging, os, pathlib, random, signal, sys, warnings
import numpy as np, torch
import scipy.special
from torch import nn
from variants import Config, Output, Variant, register

print("imported")
torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.set_grad_enabled(False)
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.chdir("/")
os.environ["HARNESS_DATA"] = "/nowhere"
logging.disable(logging.CRITICAL)
warnings.simplefilter("error")

class Kind(enum.Enum):
    ROUND, FLAT = "round", "flat"

class NastyConfig(Config):
    kind: Kind = Kind.ROUND
    path: pathlib.Path = pathlib.Path("weights")
    names: set[str] = {"b", "a"}

    @property
    def label(self):
        print("labelled")
        LEAVE
        return self.kind.value

@register("nasty")
class Nasty(Variant):
    Config = NastyConfig

    def __init__(self, config):
        super().__init__(config)
        print("built")
        os.chdir("/")
        torch.set_default_dtype(torch.float64)
        self.scores = nn.Linear(config.image_size**2, config.classes)

    def forward(self, images, labels=None):
        return Output(self.scores(images.flatten(1)))
"""


@pytest.fixture
def suites(tiny_suite: Path, write: Callable[..., Path]) -> Callable[..., tuple[Path, Path]]:
    """A suite with a nasty row beside the others, and the same without."""

    def make(leave: str = "") -> tuple[Path, Path]:
        name = f"nasty{next(NUMBERS)}"
        plugin = write(NASTY.replace("LEAVE", leave).replace('"nasty"', f'"{name}"'), f"{name}.py")
        plain = tiny_suite.read_text()
        rows = "rows: [{variant: tiny, protocol: short}"
        assert rows in plain
        nasty = plain.replace(rows, f"{rows}, {{variant: {name}, config: {{kind: flat}}, protocol: short}}")
        return write(f"plugins: [{plugin}]\n{nasty}", "nasty.yaml"), tiny_suite

    return make


def plan(cli: Callable[..., Any], suite: Path, results: Path) -> dict[str, Any]:
    said = cli("plan", suite, "--json", "--results", results)
    assert said.code == 0
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_json_stands_alone_and_the_other_rows_do_not_notice(
    cli: Callable[..., Any], suites: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    nasty, plain = suites()
    shown, others = plan(cli, nasty, tmp_path / "none"), plan(cli, plain, tmp_path / "none")
    lines = {line["name"]: line for line in shown["trials"]}
    for line in others["trials"]:
        assert lines[line["name"]] == line  # keys and counts of parameters
    [row] = [line for name, line in lines.items() if name.startswith("nasty")]
    assert row["config"]["kind"] == "flat"
    assert row["config"]["path"] == "weights"
    assert row["config"]["names"] == ["a", "b"]
    assert row["parameters"] == 145 * 4
    assert list(shown["unwatched"].values()) == [[f"scipy {__import__('scipy').__version__}"]]


@pytest.mark.parametrize("leave", ["sys.exit(0)", "os._exit(0)"])
def test_one_that_leaves_while_it_is_planned(
    cli: Callable[..., Any], suites: Callable[..., tuple[Path, Path]], tmp_path: Path, leave: str
) -> None:
    said = cli("plan", suites(leave)[0], "--results", tmp_path / "none")
    assert said.code == 2
    assert said.err.splitlines()[-1].endswith("let it raise an exception that says what is wrong.")
