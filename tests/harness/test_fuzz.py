"""Whatever stands in a suite or on the command line: it works, or it is one sentence and nothing has been written."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli import ui
from harness.data import mnist
from harness.errors import UserError
from harness.suite.yamlfile import read_yaml

Cli = Callable[..., Any]
# the fixtures that are shared by the examples hold nothing that an example could change without being noticed
LENIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150
)

SOUND: dict[str, Any] = {
    "name": "fuzz",
    "description": "what is made unsound below",
    "plugins": ["tiny.py"],
    "published": ["numbers.yaml"],
    "config": {"hidden": 3},
    "precision": "float32",
    "resources": {"device": "cpu", "threads": 1, "memory_gb": 0.1},
    "deadline": "5m",
    "attempts": 2,
    "protocols": {"short": {"batch_size": 20, "epochs": 1, "learning_rate": 0.01, "schedule": {"factor": 0.5}}},
    "fraction": 0.5,
    "errors": {
        "tasks": ["tiny-digits"],
        "seeds": [0, 1],
        "rows": [{"variant": "tiny", "protocol": "short", "seeds": {"tiny-digits": [2]}}],
    },
    "claims": [
        {
            "kind": "lower_mean_error",
            "sentence": "s",
            "of": {"variant": "tiny"},
            "than": {"variant": "tiny", "config": {"hidden": 3}},
            "task": "tiny-digits",
            "family": "means",
        }
    ],
    "families": {"means": "what is said of means"},
    "times": {
        "task": "tiny-digits",
        "batch_size": 20,
        "rounds": 1,
        "iterations": 2,
        "rows": [{"variant": "tiny", "config": {"hidden": 5}, "reference": {"hidden": 4}}],
    },
    "profiles": {
        "little": {
            "budget": "1m",
            "config": {"hidden": 2},
            "protocol": {"shift": None, "schedule": {"every": 10}},
            "timing": {"rounds": 1},
        }
    },
}

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *("", " ", "..", "../..", "/etc/passwd", "a/b", "tiny", "short", "mnist", "capsnet", "\x00", "🜁", "1e3"),
            *("~", "~nobody/x", "/dev/zero", "pipe", "default", "x.", "\x1b[5m", "\u202e", "1:30", "x" * 5000),
        ]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([0, -1, 1, 2**31, 2**63, 10**400]),
    st.floats(),
    st.sampled_from([float("nan"), float("inf"), -0.0, 1e-320]),
    TEXTS,
)
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


PLACES = list(places(SOUND))
NUMBERS = """
source: somebody
errors: {unit: percent, where: T, rows: [{variant: tiny, config: {hidden: 3}, task: tiny-digits, value: 1}]}
"""


def changed(path: tuple[Any, ...], how: str, junk: Any, name: str) -> dict[str, Any]:
    """The sound suite with one value replaced, removed, or given a neighbour."""
    document = copy.deepcopy(SOUND)
    owner: Any = document
    for part in path[:-1]:
        owner = owner[part]
    if how == "replace":
        owner[path[-1]] = junk
    elif how == "remove":
        del owner[path[-1]]
    elif isinstance(owner, dict):
        owner[name] = junk
    else:
        owner.append(junk)
    return document


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def there(tmp_path: Path, results: Path, tiny: Path) -> Path:
    """A folder with the plugin, published numbers, a pipe that nobody writes to and an empty record in it."""
    (tmp_path / "tiny.py").symlink_to(tiny)
    (tmp_path / "numbers.yaml").write_text(NUMBERS)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.slow
@LENIENT
@given(st.sampled_from(PLACES), st.sampled_from(["replace", "remove", "add"]), JUNK, TEXTS)
def test_any_change_of_a_suite_is_served_or_refused_in_one_sentence(
    there: Path, cli: Cli, path: tuple[Any, ...], how: str, junk: Any, name: str
) -> None:
    suite, results = there / "suite.yaml", there / "results"
    suite.write_text(yaml.safe_dump(changed(path, how, junk, name), allow_unicode=True), encoding="utf-8")
    before = contents(results)
    where = ["--results", results, "--data-dir", there / "data"]
    for profile in ([], ["--profile", "little"]):
        said = cli("plan", suite, *where, *profile)
        assert said.code in (0, 2), said
        if said.code == 2:
            assert said.sentence
            assert cli("run", suite, "--serial", *where, *profile).sentence == said.sentence
    assert contents(results) == before


@LENIENT
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode), JUNK.map(repr).map(str.encode)))
def test_any_file_is_yaml_or_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "suite.yaml"
    path.write_bytes(content)
    try:
        document = read_yaml(path)
    except UserError as error:
        refusal = str(error)
    else:
        refusal = ""
        json.dumps(document, default=str)  # plain data
    assert len(refusal.splitlines()) <= 1


# Every option of every command that takes a value, with what the rest of the command needs.
OPTIONS = [
    (command, option)
    for command, options in {
        "run": [
            "SUITE",
            "--profile",
            "--budget",
            "--fraction",
            "--only",
            "--address",
            "--tracking-uri",
            "--results",
            "--plugin",
        ],
        "plan": [
            "SUITE",
            "--profile",
            "--budget",
            "--fraction",
            "--tracking-uri",
            "--data-dir",
            "--results",
            "--plugin",
        ],
        "report": ["SUITE", "--profile", "--tracking-uri", "--results", "--format"],
        "compare": ["WHAT", "--slower", "--worse", "--tracking-uri", "--results"],
        "list": ["WHAT", "--tracking-uri", "--results", "--plugin"],
        "ui": ["--tracking-uri", "--results", "--port"],
        "clean": ["SUITE", "--tracking-uri", "--results"],
        "data fetch": ["NAME"],
        "data show": ["NAME", "INDEX"],
        "": ["COMMAND"],
    }.items()
    for option in options
]
WORDS = st.one_of(
    TEXTS,
    st.integers(-(10**12), 10**12).map(str),
    st.sampled_from(
        ["-", "--", "-x", "--nothing", "http://", "http://127.0.0.1:1", "sqlite:////", "ray://", "[", "~", "*"]
    ),
    st.text(min_size=300, max_size=400),
)


@pytest.fixture
def harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is free is not served on, and nothing is downloaded."""
    monkeypatch.setattr(ui, "browse", lambda *_: None)
    monkeypatch.setattr(mnist, "gather", lambda *_: None)


@LENIENT
@given(st.sampled_from(OPTIONS), WORDS)
def test_any_word_on_the_command_line_is_served_or_refused_in_one_sentence(
    there: Path, cli: Cli, harmless: None, where: tuple[str, str], word: str
) -> None:
    command, option = where
    results = there / "results"
    before = contents(results)
    absent = there / "absent.yaml"  # so that nothing is ever run
    given_: dict[str, str | Path] = (
        {"--results": results} if command in ("run", "plan", "report", "compare", "list", "ui", "clean") else {}
    )
    arguments: list[str | Path] = [*command.split()]
    if option in ("SUITE", "WHAT", "NAME", "COMMAND", "INDEX"):
        arguments += ["mnist", "--index", word] if option == "INDEX" else [word]
    else:
        needed: dict[str, list[str | Path]] = {
            "list": ["runs"],
            "compare": ["a"],
            **{key: [absent] for key in ("run", "plan", "report")},
        }
        arguments += needed.get(command, [])
        given_[option] = word
    if command == "compare":
        arguments.append("b")
    if "data" in command:
        given_["--data-dir"] = there / "data"
    said = cli(*arguments, *(part for pair in given_.items() for part in pair))
    assert said.code in (0, 2), said
    if said.code == 2:
        assert said.sentence
    assert "Traceback" not in said.err
    assert contents(results) == before
