"""The command line: every mistake is one line on standard error and exit code 2, with nothing written."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.cli.listing import LISTINGS
from harness.engine.cluster import Node
from harness.errors import UserError
from harness.text import plain

Cli = Callable[..., Any]
ROOT = Path(__file__).parents[3]
SUITE = """
name: good
protocols:
  short: {batch_size: 20, epochs: 1, learning_rate: 0.001}
table2:
  tasks: [mnist]
  seeds: [0]
  train_images: 1000
  rows: [{variant: capsnet, config: {routing_iterations: 3}, protocol: short}]
table3:
  rounds: 1
  threads: 1
  sentinel: 0
  rows: [{variant: cnn, config: {width: 8}}]
profiles:
  laptop: {budget: 20m}
"""
COMMANDS = [
    [],
    ["run"],
    ["plan"],
    ["report"],
    ["list"],
    ["ui"],
    ["clean"],
    ["doctor"],
    ["data"],
    ["data", "fetch"],
    ["data", "verify"],
    ["data", "show"],
]


@pytest.fixture
def suite(write: Callable[..., Path]) -> Path:
    return write(SUITE)


@pytest.fixture
def refused(cli: Cli, suite: Path, tmp_path: Path) -> Callable[..., str]:
    """The line with which `run` refuses a suite, after a change of it; nothing is left on the disk."""

    def run(change: tuple[str, str] | None = None, *more: object) -> str:
        if change is not None:
            assert change[0] in SUITE
            suite.write_text(SUITE.replace(*change, 1))
        before = sorted(tmp_path.rglob("*"))
        said = cli("run", suite, "--results", tmp_path / "results", "--data-dir", tmp_path / "data", *more)
        assert sorted(tmp_path.rglob("*")) == before
        sentence: str = said.sentence
        return sentence

    return run


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("variant: capsnet", "variant: capsnett"), ["unknown variant 'capsnett'", "did you mean 'capsnet'?"]),
        (("tasks: [mnist]", "tasks: [mnits]"), ["unknown dataset 'mnits'", "did you mean 'mnist'?"]),
        (("seeds:", "seed:"), ["unknown key 'table2.seed'", "did you mean 'seeds'?"]),
        (("epochs: 1", "epochs: -1"), ["'protocols.short.epochs' is -1", "> 0 and ≤ 10000"]),
        (("routing_iterations: 3", "routing_iterations: 0"), ["table2.rows.0", "routing_iterations", "is 0", "1"]),
        (("routing_iterations: 3", "routing_iteration: 3"), ["table2.rows.0", "did you mean 'routing_iterations'?"]),
        (("protocol: short}", "protocol: shrot}"), ["table2.rows.0.protocol", "did you mean 'short'?"]),
        (("train_images: 1000", "train_images: 10"), ["batch_size", "is 20", "10 training images"]),
        (("seeds: [0]", "seeds: [0"), [", line "]),
        (("seeds: [0]", "seeds: &a [0]\n  more: *a"), [", line 8: aliases are not allowed"]),
        (("name: good", "name: ../good"), ["'../good' is not a name"]),
        (("name: good", "name: good\nplugins: [gone.py]"), ["there is no plugin file", "gone.py"]),
        (("name: good", "name: good\npublished: [gone.yaml]"), ["cannot read", "gone.yaml"]),
    ],
)
def test_mistakes_in_a_suite(refused: Cli, suite: Path, change: tuple[str, str], parts: list[str]) -> None:
    line = refused(change)
    for part in [str(suite.parent), *parts]:
        assert part in line


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--budget", "soon"], ["--budget: 'soon' is not a duration"]),
        (["--budget", "-5m"], ["--budget", "-5m"]),
        (["--budget"], ["--budget"]),
        (["--fraction", "0"], ["--fraction is 0.0; allowed: above 0, up to 1."]),
        (["--fraction", "-0.1"], ["--fraction is -0.1"]),
        (["--fraction", "some"], ["--fraction", "valid number"]),
        (["--fraction", "0.1", "--budget", "5m"], ["--budget and --fraction exclude one another"]),
        (["--profile", "labtop"], ["unknown profile 'labtop'", "did you mean 'laptop'?"]),
        (["--only", "*resnet*"], ["--only *resnet*: no trial has such a name", "capsnet"]),
        (["--plugin", "/nowhere/mine.py"], ["there is no plugin file /nowhere/mine.py"]),
        (["--tracking-uri", "nonsense"], ["--tracking-uri nonsense", "http://HOST:PORT"]),
        (["--nope"], ["--nope"]),
        (["--serial=maybe"], ["--serial"]),
        (["another.yaml"], ["another.yaml"]),
    ],
)
def test_mistakes_in_the_options(refused: Cli, options: list[str], parts: list[str]) -> None:
    line = refused(None, *options)
    for part in parts:
        assert part in line


def test_a_tracking_server_that_is_not_there(refused: Cli) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = refused(None, "--tracking-uri", f"http://127.0.0.1:{port}")
    assert f"--tracking-uri http://127.0.0.1:{port}: no MLflow server answers there" in line


def test_a_suite_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    for command in ("run", "plan", "report"):
        assert f"cannot read {tmp_path}/none.yaml" in cli(command, tmp_path / "none.yaml").sentence
        assert f"cannot read {tmp_path}" in cli(command, tmp_path).sentence


def test_a_folder_that_cannot_be_written(cli: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("keep me")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        line = cli("run", suite, "--results", folder).sentence
        assert f"cannot write to {folder}" in line
    line = cli("run", suite, "--serial", "--results", tmp_path / "r", "--data-dir", tmp_path / "file").sentence
    assert f"{tmp_path}/file" in line
    assert (tmp_path / "file").read_text() == "keep me"
    assert not (tmp_path / "r" / "mlflow.db").exists()


def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder and without an entry in the list of users."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}["nobody"])


def test_without_a_home_folder(cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homeless(monkeypatch)
    for command in (["run", suite], ["plan", suite, "--data-dir", tmp_path], ["list", "runs"], ["ui"]):
        assert "no home folder is known, which MLflow needs; set HOME" in cli(*command, "--results", tmp_path).sentence
    assert "~/data: no home folder is known for its '~'" in cli("data", "verify", "--data-dir", "~/data").sentence
    said = cli("doctor", "--results", tmp_path)
    assert "MISSING data: ~/.cache" in said.out
    assert (said.code, said.err) == (1, "")


def test_the_home_folder_in_options(cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for options in (["--results=~/r"], ["--results", "~/r"]):
        assert f"no record at {tmp_path}/r/mlflow.db" in cli("report", suite, *options).sentence
    assert f"no record at {tmp_path}/x.db" in cli("report", suite, "--tracking-uri", "sqlite:///~/x.db").sentence
    assert f"no plugin file {tmp_path}/p.py" in cli("plan", suite, "--plugin=~/p.py").sentence
    assert cli("plan", "~/suite.yaml", "--json", "--results=~/r").code == 0
    monkeypatch.setenv("HARNESS_DATA", "~/d")
    assert f"data in {tmp_path}/d:" in cli("doctor", "--results=~/r").out
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    ("raised", "code", "part"),
    [
        (SystemExit(0), 2, "has ended the program with sys.exit(0)"),
        (SystemExit(None), 2, "has ended the program"),
        (SystemExit("usage: mine.py"), 2, "sys.exit('usage: mine.py')"),
        (
            KeyboardInterrupt(),
            130,
            "interrupted; what is done is kept, and this goes on with it: python -m",
        ),
        (MemoryError(), 1, "too little memory"),
        (UserError("a\nb \x1b[31m\x07c"), 2, "a b [31mc"),
    ],
)
def test_however_a_command_ends_it_says_so_in_one_sentence(
    cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, part: str
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("harness.cli.plan.preview", fail)
    said = cli("plan", suite, "--results", tmp_path)
    assert (said.code, said.out) == (code, "")
    [line] = said.err.splitlines()
    assert part in line


@pytest.mark.parametrize("key", ["\\e[31mred", "\\e]52;c;aGk=\\a", "\\u202e", "\\x9b5m"])
def test_no_word_of_a_suite_steers_the_terminal(cli: Cli, suite: Path, key: str) -> None:
    suite.write_text(f'{SUITE}"{key}": 1\n')
    line = cli("plan", suite).sentence
    assert "unknown key" in line
    assert line == plain(line)


def test_no_space_for_the_checkpoints(cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100 * 2**20))
    line = cli("run", suite, "--results", tmp_path / "results").sentence
    assert f"{tmp_path}/results has 0.1 GiB free" in line
    # 8.2 million parameters of 4 bytes with two moments of Adam: 94 MiB a checkpoint, of which some are kept
    assert "may take 0.4 GiB" in line
    assert not (tmp_path / "results" / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("name: good", "name: good\nresources: {device: gpu}"), ["resources.device is 'gpu'", "no node has a GPU"]),
        (("name: good", "name: good\nresources: {threads: 9}"), ["asks for 9 threads", "largest node has 2"]),
        (("threads: 1", "threads: 64"), ["asks for 64 threads", "largest node has 2"]),
        (("name: good", "name: good\nresources: {memory_gb: 999}"), ["resources.memory_gb is 999", "offers 8.0"]),
    ],
)
def test_what_the_machine_does_not_have(
    cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], parts: list[str]
) -> None:
    @contextmanager
    def small(*_: object) -> Iterator[list[Node]]:
        yield [Node(cpus=2, gpus=0, share=1, memory=8 * 2**30)]

    monkeypatch.setattr("harness.run.cluster", small)
    suite.write_text(SUITE.replace(*change, 1))
    line = cli("run", suite, "--results", tmp_path / "results").sentence
    for part in [str(suite), *parts]:
        assert part in line
    assert not (tmp_path / "results" / "mlflow.db").exists()


def test_a_suite_that_is_being_run(cli: Cli, suite: Path, tmp_path: Path) -> None:
    from harness.record.lock import only_driver

    results = tmp_path / "results"
    results.mkdir()
    with only_driver(results, "good"):
        line = cli("run", suite, "--results", results).sentence
    assert f"the suite 'good' is being run into {results} by process {os.getpid()}" in line


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["run"], ["SUITE"]),
        (["frobnicate"], ["frobnicate"]),
        (["list", "planets"], ["list planets", "available: datasets, runs, suites, variants"]),
        (["list", "variant"], ["did you mean 'variants'?"]),
        (["list"], ["variants|datasets|suites|runs"]),
        (["ui", "--port", "-3"], ["--port is -3; allowed: 1 to 65535"]),
        (["ui", "--port", "70000"], ["--port is 70000; allowed: 1 to 65535"]),
        (["ui", "--port", "many"], ["--port"]),
        (["data", "show", "mnits"], ["unknown dataset 'mnits'", "did you mean 'mnist'?"]),
        (["data", "show"], ["Missing argument 'name'"]),
        (["data", "fetch", "mnits"], ["unknown dataset 'mnits'"]),
        (["report", "SUITE", "--format", "pdf"], ["--format pdf", "csv, html, json, md, tex"]),
    ],
)
def test_mistakes_of_other_commands(cli: Cli, suite: Path, arguments: list[str], parts: list[str]) -> None:
    line = cli(*(str(suite) if each == "SUITE" else each for each in arguments)).sentence
    for part in parts:
        assert part in line


@pytest.mark.parametrize("command", [["report", "SUITE"], ["ui"]])
def test_reading_a_record_that_is_not_there_makes_none(
    cli: Cli, suite: Path, tmp_path: Path, command: list[str]
) -> None:
    arguments = [str(suite) if each == "SUITE" else each for each in command]
    line = cli(*arguments, "--results", tmp_path / "results").sentence
    assert f"there is no record at {tmp_path}/results/mlflow.db yet; run a suite first" in line
    assert not (tmp_path / "results").exists()


def test_a_suite_without_a_record(cli: Cli, suite: Path, results: Path) -> None:
    line = cli("report", suite, "--results", results).sentence
    assert "nothing is recorded of the suite 'good'" in line


def test_an_image_that_is_not_there(cli: Cli, data_dir: Path) -> None:
    for index in ("10000", "-1"):
        line = cli("data", "show", "mnist", "--index", index, "--data-dir", data_dir).sentence
        assert f"--index is {index}; mnist has images 0 to 9999" in line


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(cli: Cli, command: list[str]) -> None:
    said = cli(*command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Usage: ")


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    said = cli()
    assert said.code == 2
    assert "Commands:" in said.err + said.out


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


def test_json_holds_no_nan_and_steers_no_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = [{"name": "a\x1b[5m\x9b5m\u202e", "value": math.nan, "path": Path("x"), "share": 0.1}]
    monkeypatch.setitem(LISTINGS, "runs", lambda _: lines)
    said = cli("list", "runs", "--json", "--results", tmp_path)
    assert plain(said.out) == said.out
    [line] = json.loads(said.out, parse_constant=lambda name: pytest.fail(name))
    assert line == {"name": "a\x1b[5m\x9b5m\u202e", "value": None, "path": "x", "share": 0.1}


def test_plan_lists_its_trials(cli: Cli, suite: Path, results: Path) -> None:
    trials = json.loads(cli("plan", suite, "--results", results, "--json").out)["trials"]
    assert len(trials) == 1 + 1
    for trial in trials:
        assert {"key", "name", "variant", "config", "task", "seed", "status"} <= trial.keys()
    [training] = [trial for trial in trials if trial["kind"] == "training"]
    assert (training["name"], training["status"]) == ("capsnet r=3 · mnist · seed 0", "new")
    assert (training["parameters"], training["iterations"]) == (8_215_568, 50)


def test_plan_tells_the_share_that_is_run(cli: Cli, suite: Path, results: Path) -> None:
    whole, part = (cli("plan", suite, "--results", results, *more) for more in ([], ["--fraction", "0.5"]))
    assert "of each training protocol" not in whole.out
    assert "50.000% of each training protocol" in part.out
    shown = json.loads(cli("plan", suite, "--results", results, "--fraction", "0.5", "--json").out)
    assert (shown["fraction"], shown["budget_seconds"]) == (0.5, None)
    assert [trial["iterations"] for trial in shown["trials"] if trial["kind"] == "training"] == [25]


def test_lists(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = json.loads(cli("list", "variants", "--json").out)
    assert {"cnn", "capsnet", "lcapsnet"} <= {line["name"] for line in listed}
    listed = json.loads(cli("list", "datasets", "--json").out)
    assert {"mnist", "fashion-mnist", "expanded-mnist", "affnist"} <= {line["name"] for line in listed}
    monkeypatch.chdir(ROOT)
    listed = json.loads(cli("list", "suites", "--json").out)
    assert {"smoke", "paper"} <= {line["name"] for line in listed}
    monkeypatch.chdir(tmp_path)
    assert cli("list", "suites").out.strip() == "none"
    assert json.loads(cli("list", "runs", "--results", tmp_path, "--json").out) == []
    assert "capsnet" in cli("list", "variants").out


def test_a_pipe_among_the_suites_is_none_of_them(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.yaml").write_text(SUITE)
    os.mkfifo(tmp_path / "suites" / "pipe.yaml")
    monkeypatch.chdir(tmp_path)
    assert [line["name"] for line in json.loads(cli("list", "suites", "--json").out)] == ["good"]


@pytest.mark.parametrize("columns", ["", "60"])
def test_the_plan_cuts_no_name(
    cli: Cli, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    suite.write_text(SUITE.replace("seeds: [0]", "seeds: [2147483647]"))
    monkeypatch.setenv("COLUMNS", columns)
    said = cli("plan", suite, "--results", tmp_path).out
    name = "capsnet r=3 · mnist · seed 2147483647"
    if columns:
        assert all(part in said for part in name.split())
        assert max(map(len, said.splitlines())) <= 60
    else:
        assert name in said


def test_a_path_that_is_no_text(cli: Cli, suite: Path) -> None:
    for option in ("--results", "--data-dir", "--plugin"):
        assert "no usable path (not text in this locale)" in cli("plan", suite, option, "a\udce4").sentence


def test_a_digit_is_drawn(cli: Cli, data_dir: Path) -> None:
    said = cli("data", "show", "mnist", "--index", "0", "--data-dir", data_dir)
    assert said.code == 0
    assert said.out.splitlines()[-1] == "mnist, image 0: 7"  # the first test image of MNIST is a seven
    assert "█" in said.out


def test_doctor_tells_what_is_here(cli: Cli, data_dir: Path, tmp_path: Path) -> None:
    said = cli("doctor", "--data-dir", data_dir, "--results", tmp_path)
    assert "Python 3." in said.out
    assert "mnist: train: 60,000, mnist: 10,000" in said.out
    assert said.code == (1 if "MISSING" in said.out else 0)


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    script = (
        "import sys; sys.argv = ['harness', '--help']\n"
        "from harness.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'ray', 'mlflow', 'pandas', 'numpy', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_a_gpu_that_this_machine_does_not_have(suite: Path, tmp_path: Path) -> None:
    """As a process of its own, with Ray, whose own words must not stand beside the sentence."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    suite.write_text(SUITE.replace("name: good", "name: good\nresources: {device: gpu}"))
    command = [sys.executable, "-m", "harness", "run", str(suite), "--results", str(tmp_path / "results")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "resources.device is 'gpu', but no node has a GPU" in line
    assert not (tmp_path / "results" / "mlflow.db").exists()


@pytest.mark.slow
def test_the_speed_suite_times_every_row_beside_its_reference(tmp_path: Path) -> None:
    """As a process of its own, since its plugin would stay in this one."""
    command = [sys.executable, "-m", "harness", "plan", "suites/speed.yaml", "--json", "--results", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    trials = json.loads(done.stdout)["trials"]
    settings = [(t["variant"], t["config"].get("convolution")) for t in trials if t["seed"] == 0]
    assert len(trials) == 6 * len(settings)
    for variant in ("convolution", "capsnet", "lcapsnet", "cnn"):
        assert settings.count((variant, "fast")) == settings.count((variant, "direct")) > 0
