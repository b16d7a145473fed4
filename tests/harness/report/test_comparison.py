"""Two runs side by side: the statistics against formulas written out, and real runs through the command line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.report.comparison import ComparedRow, Comparison, ratio_of_means
from harness.report.pairs import Pair, compare
from harness.report.statistics import Estimate

Cli = Callable[..., Any]


def test_ratio_is_welchs() -> None:
    """Welch's interval and degrees of freedom written out."""
    logs, base = [0.30, 0.34, 0.29, 0.35, 0.32], [0.10, 0.16, 0.04, 0.12, 0.08]
    variances = [float(np.var(values, ddof=1)) / 5 for values in (logs, base)]
    freedom = sum(variances) ** 2 / sum(v**2 / 4 for v in variances)
    from scipy import stats

    half = float(stats.t.ppf(0.975, freedom)) * math.sqrt(sum(variances))
    found = ratio_of_means(logs, base)
    assert found is not None
    assert found.mean == pytest.approx(math.exp(0.32 - 0.10))
    assert (found.low, found.high) == pytest.approx((math.exp(0.22 - half), math.exp(0.22 + half)))


def test_too_few_blocks_give_no_ratio() -> None:
    assert ratio_of_means([0.1, 0.2], [0.1, 0.2, 0.3]) is None
    assert ratio_of_means([0.1] * 3, [0.1] * 3) == Estimate(1.0, 0.0, 1.0, 1.0, 3, "blocks")


@pytest.mark.parametrize(("shift", "most", "least"), [(0.0, 0.08, 0.0), (0.15, 1.0, 0.9)])
def test_a_change_is_told_from_none_as_often_as_stated(shift: float, most: float, least: float) -> None:
    random = np.random.default_rng(8)
    found = 0
    for _ in range(300):
        one, other = (random.normal(mean, 0.05, 5).tolist() for mean in (shift, 0.0))
        ratio = ratio_of_means(one, other)
        assert ratio is not None
        assert ratio.low is not None
        assert ratio.high is not None
        found += not ratio.low <= 1 <= ratio.high
    assert least <= found / 300 <= most


def row(**changes: Any) -> ComparedRow:
    known: dict[str, Any] = {
        "title": "a",
        "task": "mnist",
        "error": 1.0,
        "other_error": 2.0,
        "pair": Pair(1.0, 0.5, 1.5, 0.001, 1, "a test", 1.0),
        "quality": "worse",
        "seconds": 1.0,
        "other_seconds": 1.2,
        "ratio": Estimate(1.2, 0.0378, 1.1, 1.31, 5, "blocks"),
        "speed": "slower",
        "changes": [],
    }
    return ComparedRow(**{**known, **changes})


@pytest.mark.parametrize(
    ("slower", "worse", "expected"),
    [
        (None, None, 0),
        (5, None, 1),
        (15, None, 0),  # the interval reaches below 15%
        (None, 0.4, 1),
        (None, 0.6, 0),  # the interval reaches below 0.6 points, though a point is measured
        (None, 1.5, 0),
        (5, 0.4, 2),
    ],
)
def test_regressions(slower: float | None, worse: float | None, expected: int) -> None:
    assert len(Comparison("a", "b", [row()], [], []).regressions(slower, worse)) == expected
    same = row(quality="the same trials", speed="the same trials")
    assert Comparison("a", "b", [same], [], []).regressions(0, 0) == []


def test_regressions_are_corrected_for_the_number_of_rows() -> None:
    """The lower ends, 0.5 points and 10%, exceed the limits in one row, and in one of twenty no more."""
    clear = row(pair=Pair(1.0, 0.9, 1.1, 1e-9, 1, "a test", 0.1), ratio=Estimate(1.2, 0.001, 1.19, 1.21, 5, "blocks"))
    for count in (1, 20):
        harmless = [
            row(pair=Pair(0.0, -0.5, 0.5, 1.0, 1, "a test", 1.0), ratio=Estimate(1.0, 0.02, 0.9, 1.1, 5, "blocks"))
        ]
        rows = [row(), clear, *(harmless * (count - 1))]
        found = Comparison("a", "b", rows, [], []).regressions(9, 0.45)
        assert len(found) == (4 if count == 1 else 2)


@pytest.mark.parametrize("limit", [0.0, 0.2])
def test_what_has_no_more_error_than_the_limit_is_rarely_told(limit: float) -> None:
    """The true difference is the limit itself, in a thousand images of one seed: told in at most one of forty."""
    random = np.random.default_rng(7)
    told = 0
    for _ in range(400):
        hard = random.random(1000) * 0.1
        wrong, other = random.random(1000) < hard + limit / 100, random.random(1000) < hard
        pair = compare([wrong], [other])
        compared = Comparison("a", "b", [row(pair=pair, quality=pair.finding())], [], [])
        told += len(compared.regressions(None, limit))
    assert told <= 16


def test_a_run_without_any_change_is_rarely_called_slower() -> None:
    """Seven rows, five blocks each: a finding in any of them in fewer than one run of twenty."""
    random = np.random.default_rng(8)
    false = 0
    for _ in range(300):
        rows = [row(ratio=ratio_of_means(*random.normal(0, 0.05, (2, 5)))) for _ in range(7)]
        false += bool(Comparison("a", "b", rows, [], []).regressions(0, None))
    assert false <= 20


SUITE = """
name: tiny
protocols: {short: {batch_size: 20, epochs: EPOCHS, learning_rate: 0.02}}
table2:
  tasks: [tiny-digits]
  seeds: [0, 1]
  rows: [{variant: tiny, protocol: short}]
table3:
  task: tiny-digits
  batch_size: 20
  rounds: 6
  warmup: 2
  window: 1
  longest_warmup: 3
  iterations: 4
  threads: 1
  sentinel: 0
  rows: [{variant: tiny, config: {pause: PAUSE}}, {variant: tiny, config: {hidden: 9}}]
"""


@pytest.fixture
def runs(cli: Cli, tiny: Path, results: Path, write: Callable[..., Path], tmp_path: Path) -> list[str]:
    """The ids of three runs: the second trains longer and has a row that takes longer, the third finds all done."""
    for epochs, pause in (("1", "0.02"), ("8", "0.12"), ("8", "0.12")):
        suite = write(SUITE.replace("EPOCHS", epochs).replace("PAUSE", pause))
        where = ["--results", results, "--data-dir", tmp_path / "data", "--plugin", tiny]
        said = cli("run", suite, "--serial", *where)
        assert said.code == 0, said.err
    listed = json.loads(cli("list", "runs", "--results", results, "--json").out)
    return [run["run_id"] for run in sorted(listed, key=lambda run: run["started"])]


def test_two_runs_a_run_with_itself_and_a_regression(cli: Cli, runs: list[str], results: Path) -> None:
    first, second, again = runs
    said = cli("compare", first, second, "--results", results, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    rows = {(line["title"], bool(line["seconds"])): line for line in found["rows"]}
    timed = rows["tiny h=6", True]
    assert timed["speed"] == "slower"
    assert 1.5 < timed["ratio"]["mean"] < 24  # 6, by a fixed model that may have been disturbed
    assert any("pause: 0.02 → 0.12" in change for line in found["rows"] for change in line["changes"])
    assert rows["tiny h=9", True]["speed"] == "the same trials"
    trained = next(line for line in found["rows"] if line["error"] is not None)
    assert trained["pair"]["difference"] == pytest.approx(trained["other_error"] - trained["error"])
    assert any("iterations: 6 → 48" in change for change in trained["changes"])

    same = json.loads(cli("compare", second, "tiny", "--results", results, "--json").out)  # the newest of its suite
    assert again != second
    assert {line["speed"] for line in same["rows"]} <= {"the same trials", "not measured in both"}
    assert {line["quality"] for line in same["rows"]} <= {"the same trials", "not measured in both"}
    assert same["facts"] == []

    said = cli("compare", first, second, "--results", results, "--slower", "20")
    assert said.code == 1
    assert "tiny h=6 · tiny-digits is slower by more than 20%" in said.err
    assert "Seconds per training iteration" in said.out
    assert "Test error" in said.out
    assert cli("compare", first, second, "--results", results, "--slower", "900").code == 0


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nothing", "tiny"], "nothing is recorded of the suite 'nothing'"),
        (["tiny@laptop", "tiny"], "with the profile 'laptop'"),
        (["absent.yaml", "tiny"], "cannot read absent.yaml"),
        (["tiny", "tiny", "--slower", "-3"], "--slower is -3.0; allowed: 0 to 1000"),
    ],
)
def test_mistakes(cli: Cli, results: Path, arguments: list[str], part: str) -> None:
    assert part in cli("compare", *arguments, "--results", results).sentence
