"""Suites: what is read, what a profile changes, and what is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.suite import load_suite, seconds

Write = Callable[..., Path]
SUITE = """
name: mine
published: [numbers.yaml]
plugins: [layers/mine.py]
resources: {threads: 2, gpus: 0.5, memory_gb: 4}
protocols:
  slow: {batch_size: 100, epochs: 30, learning_rate: 0.001, schedule: {factor: 0.9, every: 1000}, shift: 2}
  fast: {batch_size: 50, epochs: 2, learning_rate: 0.01}
table2:
  tasks: [mnist, affnist]
  seeds: [0, 1, 2]
  train_images: 5000
  test_images: 2000
  rows:
    - {variant: cnn, protocol: slow}
    - {variant: capsnet, config: {routing_iterations: 3, width: 32}, protocol: fast}
table3:
  rounds: 5
  iterations: 30
  baseline: {variant: cnn}
  rows: [{variant: cnn}, {variant: capsnet, config: {routing_iterations: 5}}]
profiles:
  laptop:
    budget: 20m
    seeds: [7]
    config: {width: 64}
    protocol: {batch_size: 20, schedule: {factor: 0.5, every: 10}, shift: 0}
    protocols: {fast: {batch_size: 10, learning_rate: 0.02}}
    timing: {warmup: 4, iterations: 10}
    test_images: 500
    resources: {threads: 1, memory_gb: 2}
  empty: {}
"""


def refusal(path: Path, *arguments: str | None) -> str:
    with pytest.raises(UserError) as caught:
        load_suite(path, *arguments)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def changed(write: Write, old: str, new: str) -> Path:
    assert old in SUITE
    return write(SUITE.replace(old, new, 1))


def test_what_is_read(write: Write, tmp_path: Path) -> None:
    chosen = load_suite(write(SUITE))
    suite = chosen.suite
    assert (suite.name, chosen.profile, chosen.budget, chosen.folder) == ("mine", None, None, tmp_path)
    assert chosen.plugin_paths() == [tmp_path / "layers/mine.py"]
    assert suite.table2 is not None
    assert suite.table3 is not None
    assert [row.variant for row in suite.table2.rows] == ["cnn", "capsnet"]
    assert suite.table2.rows[1].config == {"routing_iterations": 3, "width": 32}
    assert suite.protocols["slow"].schedule.factor == 0.9
    assert (suite.table3.rounds, suite.table3.batch_size, suite.table3.task) == (5, 100, "mnist")
    assert suite.resources.device == "auto"


def test_a_profile_changes_what_it_names_and_nothing_else(write: Write) -> None:
    plain, chosen = load_suite(write(SUITE)).suite, load_suite(write(SUITE), "laptop")
    suite = chosen.suite
    assert (chosen.profile, chosen.budget) == ("laptop", 1200)
    assert plain.table2 is not None
    assert suite.table2 is not None
    assert plain.table3 is not None
    assert suite.table3 is not None
    assert suite.table2.seeds == [7]
    assert (suite.table2.test_images, suite.table2.train_images) == (500, 5000)
    assert suite.table2.tasks == plain.table2.tasks
    assert [row.config for row in suite.table2.rows] == [{"width": 64}, {"routing_iterations": 3, "width": 64}]
    assert [row.config for row in suite.table3.rows] == [{"width": 64}, {"routing_iterations": 5, "width": 64}]
    assert suite.table3.baseline is not None
    assert suite.table3.baseline.config == {"width": 64}
    for name in ("slow", "fast"):
        before, after = plain.protocols[name], suite.protocols[name]
        assert (after.shift, after.schedule.factor, after.schedule.every) == (0, 0.5, 10)
        assert after.epochs == before.epochs
    slow, fast = (suite.protocols[name] for name in ("slow", "fast"))
    assert (slow.batch_size, slow.learning_rate) == (20, 0.001)
    assert (fast.batch_size, fast.learning_rate) == (10, 0.02)  # its own change counts more than that of all
    assert (suite.table3.warmup, suite.table3.iterations) == (4, 10)
    assert (suite.table3.rounds, suite.table3.window) == (plain.table3.rounds, plain.table3.window)
    assert (suite.resources.threads, suite.resources.memory_gb) == (1, 2)


def test_settings_of_the_whole_suite_come_after_a_rows_own_and_before_a_profiles(write: Write) -> None:
    path = changed(write, "name: mine", "name: mine\nconfig: {convolution: direct, width: 16}\nprecision: tf32")
    plain, laptop = load_suite(path).suite, load_suite(path, "laptop").suite
    assert plain.table2 is not None
    assert laptop.table2 is not None
    assert plain.table3 is not None
    assert plain.table3.baseline is not None
    assert [row.config for row in plain.table2.rows] == [
        {"convolution": "direct", "width": 16},
        {"convolution": "direct", "width": 32, "routing_iterations": 3},
    ]
    assert plain.table3.rows[1].config == {"convolution": "direct", "width": 16, "routing_iterations": 5}
    assert plain.table3.baseline.config == {"convolution": "direct", "width": 16}
    assert {row.config["width"] for row in laptop.table2.rows} == {64}
    assert {row.config["convolution"] for row in laptop.table2.rows} == {"direct"}
    assert (plain.precision, laptop.precision) == ("tf32", "tf32")


def test_an_empty_profile_changes_nothing(write: Write) -> None:
    path = write(SUITE)
    assert load_suite(path, "empty").suite == load_suite(path).suite


def test_a_budget_on_the_command_line_counts_more_than_the_profiles(write: Write) -> None:
    assert load_suite(write(SUITE), "laptop", "90s").budget == 90
    assert load_suite(write(SUITE), None, "1.5h").budget == 5400


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("20m", 1200), ("1.5h", 5400), ("2d", 172_800), ("45", 45), (" 3 m ", 180)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "0m", "-5m", "1e3s", "20 minutes", "9999d", "nan", "inf", "m"])
def test_bad_budget(write: Write, text: str) -> None:
    message = refusal(write(SUITE), None, text)
    assert message.startswith("--budget: ")
    assert repr(text) in message
    assert "20m" in message  # an example


def test_bad_budget_of_a_profile(write: Write) -> None:
    message = refusal(changed(write, "budget: 20m", "budget: soon"))
    assert "profiles.laptop.budget" in message
    assert "'soon' is not a duration" in message


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("published:", "publishd:", ["unknown key 'publishd'", "did you mean 'published'?"]),
        ("epochs: 30", "epoch: 30", ["unknown key 'protocols.slow.epoch'", "did you mean 'epochs'?", "batch_size"]),
        ("factor: 0.9", "facto: 0.9", ["unknown key 'protocols.slow.schedule.facto'", "'factor'"]),
        ("protocol: fast}", "protcol: fast}", ["unknown key 'table2.rows.1.protcol'", "'protocol'"]),
        ("rounds: 5", "round: 5", ["unknown key 'table3.round'", "did you mean 'rounds'?"]),
        ("timing: {warmup", "timing: {warm", ["unknown key 'profiles.laptop.timing.warm'", "'warmup'"]),
        ("gpus: 0.5", "gpu: 0.5", ["unknown key 'resources.gpu'", "did you mean 'gpus'?"]),
    ],
)
def test_unknown_key_tells_the_nearest(write: Write, old: str, new: str, parts: list[str]) -> None:
    path = changed(write, old, new)
    message = refusal(path)
    for part in [str(path), *parts]:
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "key", "bounds"),
    [
        ("batch_size: 100", "batch_size: 0", "protocols.slow.batch_size", "≥ 1 and ≤ 65536"),
        ("batch_size: 100", "batch_size: 70000", "protocols.slow.batch_size", "≥ 1 and ≤ 65536"),
        ("epochs: 30", "epochs: -1", "protocols.slow.epochs", "> 0 and ≤ 10000"),
        ("epochs: 30", "epochs: .nan", "protocols.slow.epochs", "> 0 and ≤ 10000"),
        ("epochs: 30", "epochs: .inf", "protocols.slow.epochs", "> 0 and ≤ 10000"),
        ("factor: 0.9", "factor: 1.5", "protocols.slow.schedule.factor", "> 0 and ≤ 1"),
        ("shift: 2", "shift: 9", "protocols.slow.shift", "≥ 0 and ≤ 8"),
        ("rounds: 5", "rounds: 0", "table3.rounds", "≥ 1 and ≤ 1000"),
        ("threads: 2", "threads: 0", "resources.threads", "≥ 1 and ≤ 1024"),
        ("gpus: 0.5", "gpus: 2", "resources.gpus", "> 0 and ≤ 1"),
        ("memory_gb: 4", "memory_gb: -4", "resources.memory_gb", "≥ 0 and ≤ 4096"),
        ("seeds: [0, 1, 2]", "seeds: [0, -1]", "table2.seeds.1", "≥ 0 and ≤ 2147483648"),
        ("seeds: [7]", "seeds: [9999999999]", "profiles.laptop.seeds.0", "≥ 0 and ≤ 2147483648"),
        ("protocol: {batch_size: 20", "protocol: {batch_size: 0", "profiles.laptop.protocol.batch_size", "≤ 65536"),
        ("timing: {warmup: 4", "timing: {warmup: -4", "profiles.laptop.timing.warmup", "≥ 0 and ≤ 10000"),
        ("test_images: 500", "test_images: 0", "profiles.laptop.test_images", "≥ 1"),
    ],
)
def test_out_of_range_names_file_key_and_both_ends(write: Write, old: str, new: str, key: str, bounds: str) -> None:
    path = changed(write, old, new)
    message = refusal(path)
    for part in (str(path), f"'{key}'", bounds):
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("batch_size: 100", "batch_size: many", ["'protocols.slow.batch_size' is 'many'", "integer"]),
        ("epochs: 30", "epochs: [1]", ["'protocols.slow.epochs' is [1]"]),
        ("rows:\n    - {variant: cnn, protocol: slow}", "rows: cnn\n  x:", ["table2"]),
        ("variant: cnn, protocol: slow", "protocol: slow", ["'table2.rows.0.variant' is missing", "registered name"]),
        ("name: mine", "", ["'name' is missing", "names the experiment"]),
        ("name: mine", "name: ../mine", ["name", "'../mine' is not a name"]),
        ("name: mine", "name: 5", ["'name' is 5"]),
        ("tasks: [mnist, affnist]", "tasks: []", ["'table2.tasks' is []"]),
        ("{threads: 2, gpus: 0.5", "{device: tpu, gpus: 0.5", ["'resources.device' is 'tpu'", "'gpu'"]),
        ("  slow: {", "  'a b': {", ["'a b' is not a name"]),
    ],
)
def test_other_mistakes_name_the_key(write: Write, old: str, new: str, parts: list[str]) -> None:
    path = changed(write, old, new)
    message = refusal(path)
    for part in [str(path), *parts]:
        assert part in message


def test_unknown_protocol_of_a_row(write: Write) -> None:
    message = refusal(changed(write, "protocol: fast}", "protocol: fats}"))
    assert "table2.rows.1.protocol: unknown protocol 'fats': did you mean 'fast'? available: fast, slow" in message


def test_unknown_protocol_of_a_profile(write: Write) -> None:
    message = refusal(changed(write, "protocols: {fast:", "protocols: {fats:"))
    assert "profiles.laptop.protocols: unknown protocol 'fats': did you mean 'fast'?" in message


def test_unknown_profile(write: Write) -> None:
    path = write(SUITE)
    message = refusal(path, "labtop")
    assert message == f"{path}: unknown profile 'labtop': did you mean 'laptop'? available: empty, laptop."


def test_nothing_to_run(write: Write) -> None:
    assert "neither 'table2' nor 'table3'" in refusal(write("name: idle"))


@pytest.mark.parametrize("name", ["smoke", "paper"])
def test_our_own_suites_are_sound(name: str) -> None:
    path = Path(__file__).parents[2] / "suites" / f"{name}.yaml"
    suite = load_suite(path).suite
    assert suite.name == name
    for profile in suite.profiles:
        load_suite(path, profile)
    first = path.read_text().splitlines()[0]
    assert first.startswith(f"# python -m harness run suites/{name}.yaml")  # a suite opens with its command
