"""Suites: what is read, what a profile changes, and what is refused in one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.suite.claims import LowerMeanError
from harness.suite.fields import seconds
from harness.suite.load import ResolvedSuite, load_suite
from harness.suite.protocol import Schedule, TimingProtocol
from harness.suite.resources import Resources

Write = Callable[..., Path]
SUITE = """
name: mine
published: [numbers.yaml]
plugins: [layers/mine.py]
resources: {threads: 2, gpus: 0.5, memory_gb: 4}
protocols:
  slow: {batch_size: 100, epochs: 30, learning_rate: 0.001, schedule: {factor: 0.9, every: 1000}, shift: 2}
  fast: {batch_size: 50, epochs: 2, learning_rate: 0.01}
errors:
  tasks: [mnist, affnist]
  seeds: [0, 1, 2]
  train_images: 5000
  test_images: 2000
  rows:
    - {variant: cnn, protocol: slow}
    - {variant: capsnet, config: {routing_iterations: 3, width: 32}, protocol: fast}
times:
  rounds: 4
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


def refusal(path: Path, *arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        load_suite(path, *arguments)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def changed(write: Write, old: str, new: str) -> Path:
    assert old in SUITE
    return write(SUITE.replace(old, new, 1))


def test_what_is_read(write: Write, tmp_path: Path) -> None:
    resolved = load_suite(write(SUITE))
    suite = resolved.suite
    assert (suite.name, resolved.profile, resolved.budget, resolved.folder) == ("mine", None, None, tmp_path)
    assert resolved.plugin_paths() == [tmp_path / "layers/mine.py"]
    assert suite.errors is not None
    assert suite.times is not None
    assert [row.variant for row in suite.errors.rows] == ["cnn", "capsnet"]
    assert suite.errors.rows[1].config == {"routing_iterations": 3, "width": 32}
    assert suite.protocols["slow"].schedule.factor == 0.9
    assert (suite.times.rounds, suite.times.batch_size, suite.times.task) == (4, 100, "mnist")
    assert suite.resources.device == "auto"


def test_a_profile_changes_what_it_names_and_nothing_else(write: Write) -> None:
    plain, resolved = load_suite(write(SUITE)).suite, load_suite(write(SUITE), "laptop")
    suite = resolved.suite
    assert (resolved.profile, resolved.budget) == ("laptop", 1200)
    assert plain.errors is not None
    assert suite.errors is not None
    assert plain.times is not None
    assert suite.times is not None
    assert suite.errors.seeds == [7]
    assert (suite.errors.test_images, suite.errors.train_images) == (500, 5000)
    assert suite.errors.tasks == plain.errors.tasks
    for table in ("errors", "times"):  # settings of rows are the plan's to give
        assert [r.config for r in getattr(suite, table).rows] == [r.config for r in getattr(plain, table).rows]
    for name in ("slow", "fast"):
        before, after = plain.protocols[name], suite.protocols[name]
        assert (after.shift, after.schedule.factor, after.schedule.every) == (0, 0.5, 10)
        assert after.epochs == before.epochs
    slow, fast = (suite.protocols[name] for name in ("slow", "fast"))
    assert (slow.batch_size, slow.learning_rate) == (20, 0.001)
    assert (fast.batch_size, fast.learning_rate) == (10, 0.02)  # its own change counts more than that of all
    assert (suite.times.warmup, suite.times.iterations) == (4, 10)
    assert (suite.times.rounds, suite.times.window) == (plain.times.rounds, plain.times.window)
    assert (suite.resources.threads, suite.resources.memory_gb) == (1, 2)


def test_a_profile_times_other_batches(write: Write) -> None:
    path = changed(write, "timing: {", "timing: {batch_size: 7, ")
    plain, small = (load_suite(path, name).suite.times for name in (None, "laptop"))
    assert plain is not None
    assert small is not None
    assert (small.batch_size, small.tolerance, small.rows) == (7, plain.tolerance, plain.rows)
    assert small.protocol == TimingProtocol(batch_size=7, rounds=4, iterations=10, warmup=4)
    assert type(small.protocol) is TimingProtocol


def test_the_precision_of_a_suite_is_that_of_its_profiles(write: Write) -> None:
    path = changed(write, "name: mine", "name: mine\nprecision: tf32")
    assert (load_suite(path).suite.precision, load_suite(path, "laptop").suite.precision) == ("tf32", "tf32")


def test_an_empty_profile_changes_nothing(write: Write) -> None:
    path = write(SUITE)
    assert load_suite(path, "empty").suite == load_suite(path).suite


def test_a_budget_on_the_command_line_counts_more_than_the_profiles(write: Write) -> None:
    assert load_suite(write(SUITE), "laptop", "90s").budget == 90
    assert load_suite(write(SUITE), None, "1.5h").budget == 5400


@pytest.mark.parametrize(
    ("of_suite", "of_profile", "on_command_line", "expected"),
    [
        ("", "", {}, (None, None)),
        ("fraction: 0.5", "", {}, (None, 0.5)),
        ("", "fraction: 0.25", {}, (None, 0.25)),
        ("fraction: 0.5", "fraction: 0.25", {}, (None, 0.25)),
        ("fraction: 0.5", "budget: 20m", {}, (1200, None)),
        ("fraction: 0.5", "fraction: null", {}, (None, None)),
        ("fraction: 0.5", "budget: null", {}, (None, 0.5)),
        ("", "budget: 20m, fraction: null", {}, (1200, None)),
        ("fraction: 0.5", "", {"budget": "90s"}, (90, None)),
        ("", "budget: 20m", {"fraction": 0.1}, (None, 0.1)),
        ("fraction: 0.5", "fraction: 0.25", {"fraction": 0.1}, (None, 0.1)),
        ("fraction: 0.5", "fraction: 0.25", {"budget": "90s"}, (90, None)),
        ("", "budget: 20m", {"budget": "90s"}, (90, None)),
        ("", "", {"fraction": 1.0}, (None, 1.0)),
    ],
)
def test_a_budget_and_a_fraction_replace_each_other(
    write: Write, of_suite: str, of_profile: str, on_command_line: dict[str, Any], expected: tuple[float, float]
) -> None:
    text = SUITE.replace("    budget: 20m", f"    {of_profile.replace(', ', chr(10) + '    ')}")
    resolved = load_suite(write(f"{of_suite}{text}"), "laptop", **on_command_line)
    assert (resolved.budget, resolved.fraction) == expected


def test_a_budget_and_a_fraction_in_one_place(write: Write) -> None:
    path = changed(write, "budget: 20m", "budget: 20m\n    fraction: 0.5")
    assert refusal(path) == f"{path}: profiles.laptop: 'budget' and 'fraction' exclude one another; remove one of them."
    with pytest.raises(UserError, match=r"^--budget and --fraction exclude one another; give one of them\.$"):
        load_suite(write(SUITE), None, "20m", 0.5)


@pytest.mark.parametrize("fraction", [0, -0.5, 1.5, float("nan"), float("inf")])
def test_bad_fraction(write: Write, fraction: float) -> None:
    with pytest.raises(UserError) as caught:
        load_suite(write(SUITE), None, None, fraction)
    assert str(caught.value) == f"--fraction is {fraction}; allowed: above 0, up to 1."


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("20m", 1200), ("1.5h", 5400), ("2d", 172_800), ("45", 45), (" 3 m ", 180)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["1:30", "1_000s", "", "soon", "0m", "-5m", "1e3s", "20 minutes", "9999d", "nan", "inf", "m"]
)
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
        ("errors:", "table2:", ["'table2' is called 'errors' now; rename it"]),
        ("times:", "table3:", ["'table3' is called 'times' now; rename it"]),
        ("published:", "publishd:", ["unknown key 'publishd'", "did you mean 'published'?"]),
        ("epochs: 30", "epoch: 30", ["unknown key 'protocols.slow.epoch'", "did you mean 'epochs'?", "batch_size"]),
        ("factor: 0.9", "facto: 0.9", ["unknown key 'protocols.slow.schedule.facto'", "'factor'"]),
        ("protocol: fast}", "protcol: fast}", ["unknown key 'errors.rows.1.protcol'", "'protocol'"]),
        ("rounds: 4", "round: 4", ["unknown key 'times.round'", "did you mean 'rounds'?"]),
        ("timing: {warmup", "timing: {warm", ["unknown key 'profiles.laptop.timing.warm'", "'warmup'"]),
        ("timing: {warmup: 4", "timing: {task: mnist", ["unknown key 'profiles.laptop.timing.task'", "batch_size"]),
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
        ("rounds: 4", "rounds: 0", "times.rounds", "≥ 1 and ≤ 1000"),
        ("threads: 2", "threads: 0", "resources.threads", "≥ 1 and ≤ 1024"),
        ("gpus: 0.5", "gpus: 2", "resources.gpus", "> 0 and ≤ 1"),
        ("memory_gb: 4", "memory_gb: -4", "resources.memory_gb", "≥ 0 and ≤ 4096"),
        ("seeds: [0, 1, 2]", "seeds: [0, -1]", "errors.seeds.1", "≥ 0 and ≤ 2147483648"),
        ("name: mine", "name: mine\nfraction: 0", "fraction", "> 0 and ≤ 1"),
        ("budget: 20m", "fraction: 1.5", "profiles.laptop.fraction", "> 0 and ≤ 1"),
        ("seeds: [7]", "seeds: [9999999999]", "profiles.laptop.seeds.0", "≥ 0 and ≤ 2147483648"),
        ("protocol: {batch_size: 20", "protocol: {batch_size: 0", "profiles.laptop.protocol.batch_size", "≤ 65536"),
        ("timing: {warmup: 4", "timing: {warmup: -4", "profiles.laptop.timing.warmup", "≥ 0 and ≤ 10000"),
        ("timing: {warmup: 4", "timing: {tolerance: 2", "profiles.laptop.timing.tolerance", "> 0 and ≤ 1"),
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
        ("rows:\n    - {variant: cnn, protocol: slow}", "rows: cnn\n  x:", ["errors"]),
        ("variant: cnn, protocol: slow", "protocol: slow", ["'errors.rows.0.variant' is missing", "registered name"]),
        ("name: mine", "", ["'name' is missing", "names the experiment"]),
        ("name: mine", "name: ../mine", ["name", "'../mine' is not a name"]),
        ("name: mine", "name: 5", ["'name' is 5"]),
        ("name: mine", "name: Default", ["name: 'Default' is a name that MLflow uses itself"]),
        ("  laptop:", "  none:", ["profiles", "'none' is what a run without a profile"]),
        ("name: mine", "name: DEFAULT", ["name: 'DEFAULT' is a name that MLflow uses itself"]),
        ("name: mine", "name: mine.", ["'mine.' is not a name", "no '.' at the end"]),
        ("  laptop:", "  laptop.:", ["'laptop.' is not a name"]),
        ("name: mine", "name: mine\ndeadline: 1:30", ["deadline: '1:30' is not a duration; write for example 90s"]),
        ("seeds: [0, 1, 2]", "seeds: [0, 1, 0]", ["errors.seeds: 0 stands twice"]),
        ("seeds: [7]", "seeds: [7, 0o7]", ["profiles.laptop.seeds: 7 stands twice"]),
        ("tasks: [mnist, affnist]", "tasks: [mnist, mnist]", ["errors.tasks: 'mnist' stands twice"]),
        (
            "name: mine",
            "name: mine\nconfig: {width: .inf}\nclaims: [{kind: error_value, sentence: x, task: mnist,"
            " percent: 1, within: 1, of: {variant: cnn, config: {width: [.nan]}}}]",
            ["claims.0", "finite number"],
        ),
        ("protocol: {batch_size: 20", "protocol: {batch_size: null", ["profiles.laptop.protocol.batch_size", "null"]),
        ("seeds: [7]", "seeds: null", ["profiles.laptop.seeds", "null stands for the default, and there is none"]),
        ("tasks: [mnist, affnist]", "tasks: []", ["'errors.tasks' is []"]),
        ("{threads: 2, gpus: 0.5", "{device: tpu, gpus: 0.5", ["'resources.device' is 'tpu'", "'gpu'"]),
        ("  slow: {", "  'a b': {", ["'a b' is not a name"]),
    ],
)
def test_other_mistakes_name_the_key(write: Write, old: str, new: str, parts: list[str]) -> None:
    path = changed(write, old, new)
    message = refusal(path)
    for part in [str(path), *parts]:
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("rounds: 4", "rounds: 5", "times.rounds"),
        ("timing: {warmup: 4", "timing: {rounds: 5, warmup: 4", "profiles.laptop.timing.rounds"),
    ],
)
def test_rounds_are_even_or_one(write: Write, old: str, new: str, key: str) -> None:
    message = refusal(changed(write, old, new))
    assert message.endswith(
        f"{key}: rounds is 5; every second round goes in reverse order, so write an even number, or 1."
    )
    for number in (1, 2, 6):
        suite = load_suite(changed(write, old, new.replace("5", str(number))), "laptop").suite
        assert suite.times is not None
        assert suite.times.rounds == number


def test_a_schedule_and_resources_change_in_what_is_named_alone(write: Write) -> None:
    path = changed(write, "factor: 0.9, every: 1000}", "factor: 0.9, every: 1000, staircase: true, floor: 1e-6}")
    path.write_text(path.read_text().replace("schedule: {factor: 0.5, every: 10}", "schedule: {factor: 0.5}"))
    suite = load_suite(path, "laptop").suite
    schedule = suite.protocols["slow"].schedule
    assert (schedule.factor, schedule.every, schedule.staircase, schedule.floor) == (0.5, 1000, True, 1e-6)
    assert (suite.resources.threads, suite.resources.gpus, suite.resources.memory_gb) == (1, 0.5, 2)


def test_null_in_a_profile_goes_back_to_the_default(write: Write) -> None:
    text = SUITE.replace("name: mine", "name: mine\nprecision: tf32").replace(
        "  empty: {}",
        "  empty: {test_images: null, train_images: ~, precision: null, resources: {gpus: null},"
        " timing: {rounds: null}, budget: null,"
        " protocol: {schedule: {every: null}}, protocols: {slow: {shift: null}}}\n"
        "  bare: {resources: null, protocol: {schedule: null}}",
    )
    empty, bare = (load_suite(write(text), name).suite for name in ("empty", "bare"))
    assert empty.errors is not None
    assert empty.times is not None
    assert (empty.errors.test_images, empty.errors.train_images) == (None, None)
    assert (empty.precision, empty.times.rounds, empty.times.iterations) == ("float32", 6, 30)
    assert (empty.resources.gpus, empty.resources.threads, empty.protocols["slow"].shift) == (1.0, 2, 0)
    assert empty.protocols["slow"].schedule == Schedule(factor=0.9)
    assert (bare.resources, bare.protocols["slow"].schedule) == (Resources(), Schedule())


@pytest.mark.parametrize(
    ("all_", "own", "source"),
    [
        ("{}", "{}", "The paper: Adam. Its code: batch 50."),
        ("{batch_size: 50}", "{shift: 0}", "The paper: Adam. Its code: batch 50."),  # as they are already
        ("{source: Ours.}", "{}", "Ours."),
        (
            "{batch_size: 20, schedule: {every: 10, staircase: true}}",
            "{learning_rate: 1e-4}",
            "The paper: Adam. Its code: batch 50; changed by the profile small: batch_size 20, learning_rate 0.0001, "
            "schedule every 10, schedule staircase true.",
        ),
        ("{batch_size: 20, source: null}", "{shift: 1}", ""),
        ("{batch_size: 20, source: Ours.}", "{shift: 1}", "Ours; changed by the profile small: shift 1."),
        ("{batch_size: 20}", "{shift: 1, source: Ours.}", "Ours."),
        ("{batch_size: 20}", "{batch_size: 50}", "The paper: Adam. Its code: batch 50."),
    ],
)
def test_a_source_never_speaks_of_what_a_profile_has_changed(write: Write, all_: str, own: str, source: str) -> None:
    path = write(
        "name: mine\nprotocols: {p: {batch_size: 50, epochs: 2, learning_rate: 0.001,"
        " source: 'The paper: Adam. Its code: batch 50.'}}\n"
        "errors: {tasks: [mnist], seeds: [0], rows: [{variant: cnn, protocol: p}]}\n"
        f"profiles: {{small: {{protocol: {all_}, protocols: {{p: {own}}}}}}}"
    )
    assert load_suite(path, "small").suite.protocols["p"].source == source


def seeds_of(resolved: ResolvedSuite) -> list[list[list[int]]]:
    """The seeds of each row of errors, task by task."""
    table = resolved.suite.errors
    assert table is not None
    return [[table.seeds_of(row, task) for task in table.tasks] for row in table.rows]


@pytest.mark.parametrize(
    ("of_table", "of_row", "expected"),
    [
        ("[0, 1, 2]", None, [[[0, 1, 2], [0, 1, 2]]] * 2),
        ("{affnist: [4], mnist: [0, 1]}", None, [[[0, 1], [4]]] * 2),
        ("[0, 1, 2]", "[5, 3]", [[[0, 1, 2], [0, 1, 2]], [[5, 3], [5, 3]]]),
        ("[0, 1, 2]", "{affnist: [9]}", [[[0, 1, 2], [0, 1, 2]], [[0, 1, 2], [9]]]),
        ("{mnist: [0, 1], affnist: [4]}", "{mnist: [2], affnist: [3, 0]}", [[[0, 1], [4]], [[2], [3, 0]]]),
        ("{mnist: [0, 1], affnist: [4]}", "{mnist: [2]}", [[[0, 1], [4]], [[2], [4]]]),
        ("{mnist: [0, 1], affnist: [4]}", "[2]", [[[0, 1], [4]], [[2], [2]]]),
        ("[0]", "null", [[[0], [0]]] * 2),
    ],
)
def test_a_row_has_its_own_seeds_else_those_of_the_table(
    write: Write, of_table: str, of_row: str | None, expected: list[list[list[int]]]
) -> None:
    text = SUITE.replace("seeds: [0, 1, 2]", f"seeds: {of_table}")
    if of_row is not None:
        text = text.replace("protocol: fast}", f"protocol: fast, seeds: {of_row}}}")
    path = write(text)
    assert seeds_of(load_suite(path)) == expected
    assert seeds_of(load_suite(path, "empty")) == expected
    assert seeds_of(load_suite(path, "laptop")) == [[[7], [7]]] * 2  # a profile's replace the rows' too
    path.write_text(text.replace("seeds: [7]", "seeds: {mnist: [7, 8], affnist: [1]}"))
    assert seeds_of(load_suite(path, "laptop")) == [[[7, 8], [1]]] * 2


def test_the_models_that_are_kept_are_those_of_each_rows_first_seed_on_each_task(write: Write) -> None:
    text = SUITE.replace("protocol: fast}", "protocol: fast, seeds: {affnist: [5, 0]}}")

    def kept(path: Path) -> list[tuple[int, str, int]]:
        suite = load_suite(path).suite
        every = [(row, task, seed) for row in (0, 1) for task in ("mnist", "affnist") for seed in (0, 1, 2, 5)]
        return [each for each in every if suite.keeps_model(*each)]

    assert kept(write(text)) == [(0, "mnist", 0), (0, "affnist", 0), (1, "mnist", 0), (1, "affnist", 5)]
    assert len(kept(write(f"keep_models: all{text}"))) == 2 * 2 * 4
    assert kept(write(f"keep_models: none{text}")) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "protocol: fast}",
            "protocol: fast, seeds: {affnits: [0]}}",
            "errors.rows.1.seeds: unknown task 'affnits': did you mean 'affnist'? available: affnist, mnist.",
        ),
        ("seeds: [0, 1, 2]", "seeds: {mnist: [0], affnist: [0], mnits: [0]}", "errors.seeds: unknown task 'mnits'"),
        (
            "seeds: [0, 1, 2]",
            "seeds: {mnist: [0]}",
            "errors.seeds: the task 'affnist' has none; name every task, or write one list for all.",
        ),
        ("seeds: [7]", "seeds: {affnist: [0]}", "profiles.laptop.seeds: the task 'mnist' has none; name every task"),
        ("seeds: [7]", "seeds: {affnist: [0], mnits: [1]}", "profiles.laptop.seeds: unknown task 'mnits'"),
        ("seeds: [0, 1, 2]", "seeds: []", "'errors.seeds' is []: list should have at least 1 item"),
        ("protocol: fast}", "protocol: fast, seeds: {}}", "'errors.rows.1.seeds' is {}"),
        ("protocol: fast}", "protocol: fast, seeds: {mnist: []}}", "'errors.rows.1.seeds.mnist' is []: list should"),
        ("protocol: fast}", "protocol: fast, seeds: {mnist: [1, 1]}}", "errors.rows.1.seeds.mnist: 1 stands twice"),
        (
            "protocol: fast}",
            "protocol: fast, seeds: {mnist: [0, -1]}}",
            "'errors.rows.1.seeds.mnist.1' is -1: input should be greater than or equal to 0; "
            "allowed: ≥ 0 and ≤ 2147483648.",
        ),
        ("protocol: fast}", "protocol: fast, seeds: {mnist: 3}}", "'errors.rows.1.seeds.mnist' is 3: input should be"),
        (
            "seeds: [0, 1, 2]",
            "seeds: 3",
            "errors.seeds: write a list such as [0, 1, 2], or a mapping of tasks to such lists: {mnist: [0, 1]}.",
        ),
    ],
)
def test_seeds_that_are_not_sound(write: Write, old: str, new: str, message: str) -> None:
    path = changed(write, old, new)
    found = refusal(path)
    assert found.startswith(str(path))
    assert message in found


def test_trials_are_counted_by_the_seeds_of_each_row(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SUITE.replace("seeds: [0, 1, 2]", "seeds: {mnist: [0, 1], affnist: [4]}")
    rows = ["seeds: {mnist: [0, 1, 2, 3, 4]}", "seeds: [1, 2, 3, 4]", "seeds: {affnist: [1, 2, 3], mnist: [9]}"]
    listed = "".join(f"    - {{variant: cnn, protocol: fast, {row}}}\n" for row in rows)
    path = write(text.replace("  rows:\n", f"  rows:\n{listed}", 1))
    trials = (5 + 1) + (4 + 4) + (1 + 3) + (2 + 1) + (2 + 1) + 4 * 2  # the last are timed
    monkeypatch.setattr("harness.suite.consistency.MOST_TRIALS", trials)
    load_suite(path)
    monkeypatch.setattr("harness.suite.consistency.MOST_TRIALS", trials - 1)
    assert f"come to {trials} trials; {trials - 1} are the most" in refusal(path)


FAMILIES = """
claims:
  - {kind: lower_mean_error, sentence: x, of: {variant: cnn}, than: {variant: capsnet}, task: mnist, family: first}
  - {kind: lower_error, sentence: y, of: {variant: cnn}, than: {variant: capsnet}, task: mnist}
families:
  first: The mean errors.
"""


def test_claims_in_families(write: Write) -> None:
    suite = load_suite(write(SUITE + FAMILIES)).suite
    mean, alone = suite.claims
    assert isinstance(mean, LowerMeanError)
    assert (mean.family, mean.by, mean.each, alone.family) == ("first", 0, False, None)
    assert suite.families == {"first": "The mean errors."}
    assert load_suite(write(SUITE)).suite.families == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "family: first",
            "family: fisrt",
            "claims.0.family: unknown family 'fisrt': did you mean 'first'? available: first; or list it in "
            "'families'.",
        ),
        ("families:\n  first: The mean errors.", "", "available: none; or list it in 'families'."),
        (
            "  first: The",
            "  second: The others.\n  first: The",
            "families.second: no claim names this family; name it in one or remove it.",
        ),
        (", family: first", "", "families.first: no claim names this family"),
        ("first: The mean errors.", "first: ''", "'families.first' is ''"),
        ("family: first", "by: 101, family: first", "by' is 101"),
    ],
)
def test_families_that_are_not_sound(write: Write, old: str, new: str, message: str) -> None:
    assert old in FAMILIES
    path = write(SUITE + FAMILIES.replace(old, new, 1))
    found = refusal(path)
    assert str(path) in found
    assert message in found


def test_too_many_trials_of_a_suite_or_of_a_profile_that_is_not_chosen(write: Write) -> None:
    tasks = f"tasks: [{', '.join(f't{number}' for number in range(200))}]"
    many = str(list(range(260)))
    path = changed(write, "tasks: [mnist, affnist]", tasks)
    text = path.read_text()
    message = refusal(write(text.replace("seeds: [0, 1, 2]", f"seeds: {many}")))
    assert "come to 104,008 trials; 100,000 are the most" in message  # 2 rows on 200 tasks, and 4 blocks of 2
    message = refusal(write(text.replace("seeds: [7]", f"seeds: {many}")))
    assert "profiles.laptop: rows, tasks" in message
    rows = "rows: [" + "{variant: cnn, protocol: slow}, " * 1001 + "]\n  x:"
    message = refusal(changed(write, "rows:\n    -", rows + "\n    -"))
    assert len(message) < 400


def test_a_suite_from_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reading, writing = os.pipe()
    os.write(writing, SUITE.encode())
    os.close(writing)
    resolved = load_suite(Path(f"/dev/fd/{reading}"), "laptop")
    os.close(reading)
    assert (resolved.text, resolved.suite.name, resolved.profile) == (SUITE, "mine", "laptop")
    assert resolved.published_paths() == [tmp_path / "numbers.yaml"]


def test_the_home_folder_in_the_paths_of_a_suite(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    path = write(SUITE.replace("[numbers.yaml]", "[~/a.yaml]").replace("[layers/mine.py]", "[~/b.py, /c.py, ./~/d.py]"))
    resolved = load_suite(path)
    assert resolved.published_paths() == [Path("/home/somebody/a.yaml")]
    assert resolved.plugin_paths() == [Path("/home/somebody/b.py"), Path("/c.py"), path.parent / "~/d.py"]


@pytest.mark.parametrize(("name", "part"), [("~nobody-here/a.py", "no home folder is known"), ("x" * 5000, "too long")])
def test_paths_that_cannot_be(write: Write, name: str, part: str) -> None:
    path = changed(write, "layers/mine.py", name)
    with pytest.raises(UserError) as caught:
        load_suite(path).plugin_paths()
    assert f"{path}: plugins: " in str(caught.value)
    assert part in str(caught.value)


def test_unknown_protocol_of_a_row(write: Write) -> None:
    message = refusal(changed(write, "protocol: fast}", "protocol: fats}"))
    assert "errors.rows.1.protocol: unknown protocol 'fats': did you mean 'fast'? available: fast, slow" in message


def test_unknown_protocol_of_a_profile(write: Write) -> None:
    message = refusal(changed(write, "protocols: {fast:", "protocols: {fats:"))
    assert "profiles.laptop.protocols: unknown protocol 'fats': did you mean 'fast'?" in message


def test_unknown_profile(write: Write) -> None:
    path = write(SUITE)
    message = refusal(path, "labtop")
    assert message == f"{path}: unknown profile 'labtop': did you mean 'laptop'? available: empty, laptop."


def test_nothing_to_run(write: Write) -> None:
    assert "neither 'errors' nor 'times'" in refusal(write("name: idle"))


@pytest.mark.parametrize("name", ["smoke", "paper"])
def test_our_own_suites_are_sound(name: str) -> None:
    path = Path(__file__).parents[3] / "suites" / f"{name}.yaml"
    suite = load_suite(path).suite
    assert suite.name == name
    for profile in suite.profiles:
        load_suite(path, profile)
    first = path.read_text().splitlines()[0]
    assert first.startswith(f"# python -m harness run suites/{name}.yaml")  # a suite opens with its command
