"""YAML files: what is read, and what is refused in one line."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.suite.yamlfile import DEEPEST, LARGEST, read_yaml
from harness.textfile import read_text

Write = Callable[..., Path]


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_yaml(path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    return message


def test_plain_data(write: Write) -> None:
    path = write("name: größe\nlist: [1, 2.5, true, null]\nmap: {a: {b: c}}\n")
    assert read_yaml(path) == {"name": "größe", "list": [1, 2.5, True, None], "map": {"a": {"b": "c"}}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: a\nrows: [1, 2\nmore: x\n", 3),
        ("name: a\n\n\tb: c\n", 3),
        ("a: 1\nb: {c: 2\n", 3),
        ("a: 1\nb: 'text\n", 3),
        ("a: 1\nb: x: y\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
    ],
)
def test_syntax_error_names_the_line(write: Write, text: str, line: int) -> None:
    assert f", line {line}: " in refusal(write(text))


def test_aliases_are_refused(write: Write) -> None:
    text = "a: &big [x, x]\nb: [*big, *big]\n"
    assert ", line 2: aliases are not allowed" in refusal(write(text))


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "b: 2\nx: 1\n'b': 3\n"])
def test_repeated_keys_are_refused(write: Write, text: str) -> None:
    assert ", line 3: the key " in refusal(write(text))


def test_repeated_keys_deep_inside(write: Write) -> None:
    assert ", line 3: the key 'k' stands twice" in refusal(write("rows:\n  - k: 1\n    k: 2\n"))


@pytest.mark.parametrize("text", ["? [a, b]\n: 1\n", "? {a: b}\n: 1\n", "a: {[1]: 2}\n"])
def test_keys_that_are_no_text_are_refused(write: Write, text: str) -> None:
    assert "a key must be plain text" in refusal(write(text))


def test_nesting(write: Write) -> None:
    deep = "a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    read_yaml(write(deep))
    assert f"nested deeper than {DEEPEST} levels" in refusal(write("a: " + "[" * 3000 + "]" * 3000))
    assert f"nested deeper than {DEEPEST} levels" in refusal(write("a: " + "[" * DEEPEST + "]" * DEEPEST))


def test_many_siblings_are_not_deep(write: Write) -> None:
    assert len(read_yaml(write("a: [" + "[1], " * 500 + "]"))["a"]) == 500


def test_a_huge_file_is_not_read(write: Write) -> None:
    message = refusal(write("a: " + "x" * LARGEST))
    assert f"{LARGEST + 3:,} bytes" in message
    assert f"up to {LARGEST:,}" in message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text", "1: a\n", "42\n"])
def test_anything_but_a_mapping_by_names(write: Write, text: str) -> None:
    assert "must hold a mapping" in refusal(write(text))


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['true']\n",
        "a: !include other.yaml\n",
        "!!map {a: 1}\n",
        "a: \x07\n",
        "a: !!int x\n",
        "a: !!float [1]\n",
        "a: !!binary '*'\n",
        "a: !!timestamp x\n",
        "<<: 5\n",
        "a: {b: !!set [c]}\n",
    ],
)
def test_what_is_no_plain_data(write: Write, text: str) -> None:
    refusal(write(text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot read" in refusal(tmp_path / "nothing.yaml")
    assert "cannot read" in refusal(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"a: \xff\xfe\x00")
    assert "not UTF-8" in refusal(binary)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1e-4", 1e-4), ("1E-4", 1e-4), ("1e3", 1000.0), ("-.5", -0.5), ("5.", 5.0), ("+1.5e+3", 1500.0)),
        *(("010", 10), ("-7", -7), ("0o10", 8), ("0x1F", 31), ("0", 0)),
        *((text, text) for text in ("1:30", "1_000", "0b1", "0o8", "-0x1", "e3", "1e", ".", "=", "1.2.3")),
        *((text, text) for text in ("yes", "No", "on", "OFF", "y", "tRUE", "2026-99-99", "2026-07-23", "nULL")),
        *((text, None) for text in ("", "~", "null", "Null", "NULL")),
        *((text, text.lower() == "true") for text in ("true", "True", "TRUE", "false", "False", "FALSE")),
        *(("'1e-4'", "1e-4"), ('"010"', "010"), ("'true'", "true"), ("|-\n  1", "1")),
        *((".inf", math.inf), ("-.Inf", -math.inf), ("+.INF", math.inf)),
    ],
)
def test_scalars_are_those_of_yaml_1_2(write: Write, text: str, value: object) -> None:
    read = read_yaml(write(f"a: {text}\n"))["a"]
    assert read == value
    assert type(read) is type(value)


def test_not_a_number(write: Write) -> None:
    assert math.isnan(read_yaml(write("a: .nan"))["a"])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("9" * 5000, "a number of 5,000 characters"),
        ("0x" + "f" * 5000, "a number of 5,002 characters"),
        ("1e999", "1e999 is too large for a number"),
        ("-1.5e400", "too large"),
        ('"a\\0b"', "a NUL or half a character"),
        ('"\\ud800"', "a NUL or half a character"),
    ],
)
def test_numbers_and_texts_beyond_all_measure(write: Write, text: str, part: str) -> None:
    message = refusal(write(f"a: 1\nb: {text}"))
    assert f", line 2: {part}" in message or part in message
    assert len(message) < 500


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_what_is_no_file_is_refused_at_once(pipe: Path) -> None:
    begun = time.monotonic()
    for path in (pipe, Path("/dev/zero"), Path("/dev/null"), Path("/dev/tty"), pipe.parent, Path("a\0b")):
        assert "cannot read" in refusal(path)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("length", [10, LARGEST, LARGEST + 1])
def test_a_pipe_is_read_to_the_same_bound_where_it_is_allowed(pipe: Path, length: int) -> None:
    def write() -> None:
        try:
            pipe.write_bytes(b"x" * length)
        except BrokenPipeError:
            assert length > LARGEST

    writer = threading.Thread(target=write)
    writer.start()
    if length > LARGEST:
        with pytest.raises(UserError, match="may have up to"):
            read_text(pipe, LARGEST, may_be_pipe=True)
    else:
        assert read_text(pipe, LARGEST, may_be_pipe=True) == "x" * length
    writer.join(10)


def test_a_pipe_that_stays_silent(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.textfile.PIPE_TIMEOUT", 0.1)
    with pytest.raises(UserError, match="nothing has come through the pipe"):
        read_text(pipe, LARGEST, may_be_pipe=True)


def test_a_file_that_says_it_is_empty_is_read_to_the_bound() -> None:
    with pytest.raises(UserError, match="more than 3 bytes"):
        read_text(Path("/proc/self/status"), 3)
