"""Two runs side by side: against scipy, made by hand, and real runs through the command line."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import TimingTrial, TimingWork, TrainingTrial, TrainingWork, Trial
from harness.record.recorded import RecordedTrial
from harness.report.render.comparison import print_comparison
from harness.report.tables.comparison import ComparedRow, RunComparison, Side, compare_runs, rate_of
from harness.report.tables.pairs import Mistakes, Pair, pair_of
from harness.report.tables.recorded_rows import RecordedRows
from harness.report.tables.timed import Process, Timed
from harness.statistics.estimate import Estimate
from harness.statistics.ratios import Ratio
from harness.suite.protocol import Protocol, TimingProtocol
from harness.worker.numbers import Score, TimingNumbers, TrainingNumbers
from harness.worker.result import Result
from tests.harness.report.recording import by_key, recorded

Cli = Callable[..., Any]
IMAGES = 1000


def test_a_ratio_of_two_runs_is_welchs() -> None:
    logs, base = [0.30, 0.34, 0.29, 0.35, 0.32], [0.10, 0.16, 0.04, 0.12]
    expected = stats.ttest_ind(logs, base, equal_var=False)
    found = rate_of(logs, base)
    assert found is not None
    assert found.value == pytest.approx(math.exp(np.mean(logs) - np.mean(base)))
    assert found.interval(0.01) == pytest.approx(tuple(np.exp(expected.confidence_interval(0.99))))
    assert found.p(1) == pytest.approx(expected.pvalue)
    assert found.rounds == 4


def test_too_few_rounds_give_no_ratio() -> None:
    for logs, base in [([0.1, 0.2], [0.1, 0.2, 0.3]), ([0.1, 0.2, 0.3], [0.1]), ([], [])]:
        assert rate_of(logs, base) is None
    same = rate_of([0.1] * 3, [0.1] * 3)
    assert same is not None
    assert (same.value, same.p(1)) == (1, 1)


@pytest.mark.parametrize(("shift", "most", "least"), [(0.0, 0.08, 0.0), (0.15, 1.0, 0.9)])
def test_a_change_is_told_from_none_as_often_as_stated(shift: float, most: float, least: float) -> None:
    random = np.random.default_rng(8)
    found = 0
    for _ in range(300):
        ratio = rate_of(*(random.normal(mean, 0.05, 5).tolist() for mean in (shift, 0.0)))
        assert ratio is not None
        ends = ratio.interval()
        assert ends is not None
        found += not ends[0] <= 1 <= ends[1]
    assert least <= found / 300 <= most


def pair(points: float, error: float, seeds: int = 3) -> Pair:
    """A difference with so large a standard error, by ten degrees of freedom."""
    estimate = Estimate(points, error, 10)
    return Pair(estimate, estimate.p(), (seeds, seeds))


def rate(value: float, error: float) -> Ratio:
    """A ratio whose logarithm has so large a standard error, by four degrees of freedom."""
    return Ratio(value, 5, Estimate(math.log(value), error, 4))


def row(**changes: Any) -> ComparedRow:
    """A row that is a point worse (0.5 to 1.5) and 20% slower (10% to 31%)."""
    known: dict[str, Any] = {
        "title": "a",
        "task": "mnist",
        "changes": [],
        "error": 1.0,
        "other_error": 2.0,
        "pair": pair(1.0, 0.2244),
        "quality": "worse",
        "seconds": 1.0,
        "other_seconds": 1.2,
        "rate": rate(1.2, 0.0313),
        "speed": "slower",
    }
    return ComparedRow(**{**known, **changes})


def of_rows(*rows: ComparedRow) -> RunComparison:
    return RunComparison("a", "b", list(rows), [], [])


@pytest.mark.parametrize(
    ("slower", "worse", "expected"),
    [
        (None, None, 0),
        (5, None, 1),
        (15, None, 0),  # the interval reaches below 15%
        (30, None, 0),
        (None, 0.4, 1),
        (None, 0.6, 0),  # the interval reaches below 0.6 points, though a point is measured
        (None, 1.5, 0),
        (5, 0.4, 2),
    ],
)
def test_regressions(slower: float | None, worse: float | None, expected: int) -> None:
    assert len(of_rows(row()).regressions(slower, worse)) == expected
    same = row(quality="the same trials", speed="the same trials")
    assert of_rows(same).regressions(0, 0) == []
    better = row(pair=pair(-1.0, 0.1), quality="better", rate=rate(0.5, 0.01), speed="faster")
    assert of_rows(better).regressions(slower, worse) == []


def test_regressions_are_corrected_for_the_number_of_rows() -> None:
    """The lower ends, 0.5 points and 10%, exceed the limits in one row, and in one of twenty no more."""
    clear = row(title="clear", pair=pair(1.0, 0.01), rate=rate(1.2, 0.001))
    harmless = row(title="harmless", pair=pair(0.0, 0.2), rate=rate(1.0, 0.04))
    for count in (1, 20):
        found = of_rows(row(), clear, *[harmless] * (count - 1)).regressions(9, 0.45)
        assert found == (
            [
                *(["a · mnist is slower by more than 9%"] if count == 1 else []),
                "clear · mnist is slower by more than 9%",
                *(["a · mnist is worse by more than 0.45 points"] if count == 1 else []),
                "clear · mnist is worse by more than 0.45 points",
            ]
        )


@pytest.mark.parametrize("limit", [0.0, 0.2])
def test_what_has_no_more_error_than_the_limit_is_rarely_told(limit: float) -> None:
    """The true difference is the limit itself, in a thousand images of three seeds: told in at most one of forty."""
    random = np.random.default_rng(7)
    told = 0
    for _ in range(400):
        hard = random.random(IMAGES) * 0.1
        wrong, other = (
            Mistakes(np.zeros(IMAGES), dict(enumerate(random.random((3, IMAGES)) < hard + more)))
            for more in (limit / 100, 0.0)
        )
        told += len(of_rows(row(pair=pair_of(wrong, other))).regressions(None, limit))
    assert told <= 20  # ten in forty times forty are to be expected; three standard errors more


def test_a_run_without_any_change_is_rarely_called_slower() -> None:
    """Seven rows, five rounds each: a finding in any of them in fewer than one run of twenty."""
    random = np.random.default_rng(8)
    false = 0
    for _ in range(300):
        rows = [row(rate=rate_of(*random.normal(0, 0.05, (2, 5)))) for _ in range(7)]
        false += bool(of_rows(*rows).regressions(0, None))
    assert false <= 20


def test_two_models_are_no_regression_and_told_to_be_untested() -> None:
    """However large their difference is: another seed might have made another one."""
    one = row(title="one", pair=pair(50.0, 0.1, seeds=1))
    compared = of_rows(one, row(title="same", pair=pair(0.0, 0.1, seeds=1), quality="the same trials"), row())
    assert compared.regressions(None, 0) == ["a · mnist is worse by more than 0 points"]
    assert compared.untested(None, 0) == ["not tested whether worse: one · mnist (one seed of a side)"]
    assert compared.untested(5, None) == []


def test_what_could_not_be_tested_is_told_by_row_with_its_reason() -> None:
    rows = [
        row(title="images", pair=None, quality="not on the same images", rate=None, speed="too few rounds"),
        row(title="failed", other_error=None, pair=None, quality="not measured in both", rate=None, seconds=None),
        row(title="timed", error=None, other_error=None, pair=None, quality="not measured in both"),
        ComparedRow("never measured", "mnist", []),
    ]
    rows[1] = replace(rows[1], other_seconds=None)
    assert of_rows(*rows).untested(5, 0.2) == [
        "not tested whether slower: images · mnist (too few rounds)",
        "not tested whether worse: images · mnist (not on the same images), failed · mnist (not measured in both)",
    ]
    assert of_rows(*rows).untested(None, None) == []


def answered(key: str, wrong: np.ndarray) -> RecordedTrial:
    """A trained model that gets so much wrong."""
    true = np.arange(len(wrong)) % 10
    numbers = TrainingNumbers({"mnist": Score(100 * float(wrong.mean()), len(wrong))})
    return recorded(key, Result(numbers, predictions={"mnist": (true + wrong) % 10}, labels={"mnist": true}))


def side(
    name: str,
    wrong: Mapping[str, Sequence[np.ndarray]] | None = None,
    times: Mapping[str, Sequence[Process]] | None = None,
    prefix: str = "",
) -> Side:
    """A run: for each row what its models get wrong, seed by seed, or its processes.

    Arguments:
        prefix: of the trials' keys, the name if none is given; trials with equal keys are the same.
    """
    trials, found = [], []
    rows = {
        kind: [PlannedRow(row=n, variant=v, label="", config={}, task="mnist") for n, v in enumerate(made or {})]
        for kind, made in (("training", wrong), ("timing", times))
    }
    for planned in rows["training"]:
        for seed, each in enumerate((wrong or {})[planned.variant]):
            key = f"{prefix or name} {planned.variant} {seed}"
            found.append(answered(key, each))
            trials.append(trial(key, "training", planned, seed))
    for planned in rows["timing"]:
        for process in (times or {})[planned.variant]:
            key = f"{prefix or name} timed {planned.variant} {process.block[0]}"
            found.append(recorded(key, Result(TimingNumbers(median_seconds=process.seconds))))
            trials.append(trial(key, "timing", planned, process.block[0]))
    plan = Plan(
        suite="s",
        profile=None,
        budget=None,
        fraction=1.0,
        errors=rows["training"],
        times=rows["timing"],
        baseline=0,
        precision="float32",
        trials=trials,
    )
    timed = Timed({(variant, "mnist"): each for variant, each in (times or {}).items()})
    return Side(name, RecordedRows(plan, by_key(found)), timed, {"commit": name})


def trial(key: str, kind: str, planned: PlannedRow, repeat: int) -> Trial:
    known: dict[str, Any] = {"key": key, "row": planned.row, "variant": planned.variant, "task": "mnist"}
    known |= {"label": "", "config": {}}
    if kind == "timing":
        return TimingTrial(**known, round=repeat, work=TimingWork(protocol=TimingProtocol(), learning_rate=0.1))
    protocol = Protocol(batch_size=10, epochs=1, learning_rate=0.1)
    work = TrainingWork(protocol=protocol, full_iterations=9, iterations=9, train_images=90, test_images=None)
    return TrainingTrial(**known, seed=repeat, tests=("mnist",), work=work)


def models(seed: int, seeds: int, share: float) -> list[np.ndarray]:
    """What models of a method get wrong."""
    return list(np.random.default_rng(seed).random((seeds, IMAGES)) < share)


def processes(
    seed: int, seconds: float, slower: float = 1.0, rounds: int = 6, with_fixed: bool = True
) -> list[Process]:
    """A row's processes on a machine that changes from round to round, and is so many times slower in all of them."""
    states = slower * np.exp(np.random.default_rng([1, int(slower * 10)]).normal(0, 0.1, rounds))
    noise = np.exp(np.random.default_rng([2, seed]).normal(0, 0.005, rounds))
    return [
        Process((n, "a"), seconds * state * each, 0.1 * state if with_fixed else None)
        for n, (state, each) in enumerate(zip(states.tolist(), noise.tolist(), strict=True))
    ]


def by_title(compared: RunComparison) -> dict[str, ComparedRow]:
    return {each.title: each for each in compared.rows}


def sheet(compared: RunComparison) -> str:
    """What is printed of it, in lines that are long enough."""
    console = Console(file=io.StringIO(), width=400)
    print_comparison(compared, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_slower_row_is_told_from_a_slower_machine() -> None:
    """One row takes 10% longer, on a machine that takes 30% longer for all."""
    first = side("first", times={"steady": processes(1, 2.0), "slowed": processes(2, 5.0)})
    second = side("second", times={"steady": processes(3, 2.0, 1.3), "slowed": processes(4, 5.0 * 1.1, 1.3)})
    compared = compare_runs(first, second)
    rows = by_title(compared)
    assert compared.has_fixed
    assert rows["steady"].other_seconds == pytest.approx(1.3 * (rows["steady"].seconds or 0), rel=0.2)
    assert rows["steady"].speed == "no difference shown"
    assert rows["slowed"].speed == "slower"
    low, high = (rows["slowed"].ratio or (0, 0, 0))[1:]
    assert low < 1.1 < high
    assert low > 1.08
    assert compared.regressions(5, None) == ["slowed · mnist is slower by more than 5%"]
    assert compared.regressions(12, None) == []
    assert compared.untested(5, 0) == []
    assert "over the time that a fixed model took in the same rounds" in sheet(compared)
    back = by_title(compare_runs(second, first))
    assert (back["slowed"].speed, back["steady"].speed) == ("faster", "no difference shown")


@pytest.mark.parametrize(("before", "after"), [(False, False), (True, False), (False, True)])
def test_without_the_fixed_model_in_one_of_two_runs_times_are_compared_as_they_were_measured(
    before: bool, after: bool
) -> None:
    """The times of the one must not be held against multiples of the fixed model's, those of the other."""
    first = side("first", times={"x": processes(1, 2.0, with_fixed=before)})
    second = side("second", times={"x": processes(2, 3.0, with_fixed=after)})
    compared = compare_runs(first, second)
    [found] = compared.rows
    assert not compared.has_fixed
    assert found.ratio is not None
    assert found.ratio[0] == pytest.approx(1.5, rel=0.01)
    assert "as they were measured" in sheet(compared)


def test_two_runs_of_the_same_methods_show_no_difference_and_a_worse_one_is_told() -> None:
    first = side("first", {"same": models(1, 3, 0.1), "worse": models(2, 3, 0.1), "better": models(3, 2, 0.3)})
    second = side("second", {"same": models(4, 2, 0.1), "worse": models(5, 3, 0.25), "better": models(6, 4, 0.1)})
    compared = compare_runs(first, second)
    rows = by_title(compared)
    assert {title: each.quality for title, each in rows.items()} == {
        "same": "no difference shown",
        "worse": "worse",
        "better": "better",
    }
    assert compared.regressions(None, 5) == ["worse · mnist is worse by more than 5 points"]
    assert compared.regressions(None, 14.9) == []
    for each in rows.values():
        assert each.pair is not None
        assert each.difference is not None
        assert each.difference[0] == pytest.approx((each.other_error or 0) - (each.error or 0))
    assert "these two models" not in sheet(compared).lower()


def test_intervals_stand_at_the_level_that_the_finding_had_to_pass() -> None:
    """Holm's, over the rows of a table: an interval leaves out none exactly where something is found."""
    shares = [0.1, 0.115, 0.12, 0.125, 0.13, 0.2]
    first = side(
        "first", {f"m{n}": models(n, 3, 0.1) for n in range(6)}, {f"t{n}": processes(n, 1.0) for n in range(6)}
    )
    second = side(
        "second",
        {f"m{n}": models(10 + n, 3, share) for n, share in enumerate(shares)},
        {f"t{n}": processes(10 + n, 1.0 + 0.003 * n) for n in range(6)},
    )
    rows = compare_runs(first, second).rows
    trained = [each for each in rows if each.pair is not None]
    ps = [each.pair.p for each in trained if each.pair is not None]
    smallest = int(np.argmin(ps))
    assert trained[smallest].pair is not None
    assert trained[smallest].difference[1:] == pytest.approx(trained[smallest].pair.estimate.interval(0.05 / 6))  # type: ignore[union-attr, index]
    assert trained[smallest].could_show == pytest.approx(trained[smallest].pair.estimate.detectable(0.05 / 6))  # type: ignore[union-attr]
    found = []
    for each in rows:
        _, low, high = each.difference or each.ratio or (0, 0, 0)
        none = 0 if each.difference else 1
        finding = each.quality if each.difference else each.speed
        assert (finding == "no difference shown") == (low <= none <= high)
        found.append(finding)
    assert set(found) == {"no difference shown", "worse", "slower"}


def test_one_seed_of_a_side_decides_nothing_about_methods() -> None:
    first = side("first", {"one": models(1, 1, 0.1), "more": models(2, 3, 0.1), "whole": models(3, 2, 0.1)})
    second = side("second", {"one": models(4, 3, 0.4), "more": models(5, 1, 0.1), "whole": models(6, 2, 0.1)})
    compared = compare_runs(first, second)
    assert by_title(compared)["one"].quality == "worse"  # of these two models
    assert compared.regressions(None, 0) == []
    assert compared.untested(None, 0) == [
        "not tested whether worse: one · mnist (one seed of a side), more · mnist (one seed of a side)"
    ]
    shown = sheet(compared)
    assert "worse (these two models)" in shown
    assert "no difference shown (these two models)" not in shown
    assert "These two models: one seed of a side tells nothing of its other seeds" in shown


def test_the_same_trials_are_no_test_and_take_no_part_in_the_correction() -> None:
    same, clear = models(1, 3, 0.1), models(2, 3, 0.1)
    alone = compare_runs(side("first", {"new": clear}), side("second", {"new": models(3, 3, 0.13)}))
    first = side("first", {"new": clear} | {f"old {n}": same for n in range(5)})
    second = side("second", {"new": models(3, 3, 0.13)} | {f"old {n}": same for n in range(5)})
    old = {key for key in second.recorded.training if "old" in key}
    renamed = {key: key.replace("second", "first") for key in old}
    trials = [each.model_copy(update={"key": renamed.get(each.key, each.key)}) for each in second.plan.trials]
    shared = [answered(renamed[key], same[int(key[-1])]) for key in old]
    plan = second.plan.model_copy(update={"trials": trials})
    kept = RecordedRows(plan, {**second.recorded.trials, **by_key(shared)})
    compared = compare_runs(first, replace(second, recorded=kept))
    rows = by_title(compared)
    assert [rows[f"old {n}"].quality for n in range(5)] == ["the same trials"] * 5
    assert rows["new"].difference == by_title(alone)["new"].difference
    assert compared.regressions(None, 0) == alone.regressions(None, 0)
    assert compared.untested(0, 0) == []


def test_the_same_processes_are_the_same_trials_however_few() -> None:
    times = {"x": processes(1, 1.0), "few": processes(2, 1.0, rounds=2)}
    [x, few] = compare_runs(side("a", times=times, prefix="p"), side("b", times=times, prefix="p")).rows
    assert (x.speed, few.speed) == ("the same trials", "the same trials")


def test_what_was_measured_and_could_not_be_tested() -> None:
    longer = [np.append(each, True) for each in models(1, 3, 0.1)]
    first = side("first", {"x": models(2, 3, 0.1), "gone": models(3, 2, 0.1)}, {"t": processes(1, 1.0, rounds=2)})
    second = side("second", {"x": longer, "gone": []}, {"t": processes(2, 1.0)})
    compared = compare_runs(first, second)
    assert [(each.quality, each.speed) for each in compared.rows] == [
        ("not on the same images", "not measured in both"),
        ("not measured in both", "not measured in both"),
        ("not measured in both", "too few rounds"),
    ]
    assert compared.untested(5, 0.2) == [
        "not tested whether slower: t · mnist (too few rounds)",
        "not tested whether worse: x · mnist (not on the same images), gone · mnist (not measured in both)",
    ]
    shown = sheet(compared)
    assert "not on the same images" in shown
    assert "too few rounds" in shown


def test_rows_of_one_run_only_are_told() -> None:
    first = side("first", {"x": models(1, 2, 0.1), "old": models(2, 2, 0.1)})
    second = side("second", {"x": models(3, 2, 0.1)}, {"new": processes(1, 1.0)})
    compared = compare_runs(first, second)
    assert compared.alone == ["old · mnist (training), in first alone", "new · mnist (timing), in second alone"]
    assert compared.facts == ["commit: first → second"]
    nothing = compare_runs(side("first", {"old": models(2, 2, 0.1)}), side("second", times={"new": processes(1, 1.0)}))
    assert "the two have no measured row in common" in sheet(nothing)


SUITE = """
name: tiny
protocols: {short: {batch_size: 20, epochs: EPOCHS, learning_rate: 0.02}}
errors:
  tasks: [tiny-digits]
  seeds: [0, 1]
  rows: [{variant: tiny, protocol: short}]
times:
  task: tiny-digits
  batch_size: 20
  rounds: 4
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


@pytest.mark.slow
def test_two_runs_a_run_with_itself_and_a_regression(cli: Cli, runs: list[str], results: Path) -> None:
    first, second, again = runs
    said = cli("compare", first, second, "--results", results, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    rows = {(line["title"], bool(line["seconds"])): line for line in found["rows"]}
    timed = rows["tiny h=6", True]
    assert timed["speed"] == "slower"
    assert 1.5 < timed["ratio"][0] < 24  # 6, if nothing disturbed it
    assert any("pause: 0.02 → 0.12" in change for line in found["rows"] for change in line["changes"])
    assert rows["tiny h=9", True]["speed"] == "the same trials"
    trained = next(line for line in found["rows"] if line["error"] is not None)
    assert trained["pair"]["estimate"]["value"] == pytest.approx(trained["other_error"] - trained["error"])
    assert trained["difference"][0] == pytest.approx(trained["other_error"] - trained["error"])
    assert any("iterations: 6 → 48" in change for change in trained["changes"])
    assert (found["regressions"], found["untested"]) == ([], [])

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


def test_a_run_whose_rows_could_not_be_tested_says_so(
    cli: Cli, tiny: Path, results: Path, write: Callable[..., Path], tmp_path: Path
) -> None:
    """Of one seed: a green exit code is no finding. What nothing is known of the spread of is valid JSON besides."""
    for epochs in ("1", "2"):
        text = SUITE.replace("EPOCHS", epochs).replace("seeds: [0, 1]", "seeds: [0]").partition("times")[0]
        said = cli("run", write(text), "--serial", "--results", results, "--data-dir", tmp_path, "--plugin", tiny)
        assert said.code == 0, said.err
    line = "not tested whether worse: tiny h=6 · tiny-digits (one seed of a side)"
    said = cli("compare", "tiny~1", "tiny", "--worse", "0.2", "--slower", "5", "--results", results)
    assert (said.code, said.err.splitlines()) == (0, [line])
    assert "These two models" in said.out
    assert cli("compare", "tiny~1", "tiny", "--results", results).err == ""

    said = cli("compare", "tiny~1", "tiny", "--worse", "0.2", "--results", results, "--json")
    found = json.loads(said.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (said.code, found["untested"]) == (0, [line])
    [trained] = found["rows"]
    assert trained["pair"]["estimate"]["freedom"] is None  # infinitely many
    assert trained["pair"]["seeds"] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nothing", "tiny"], "nothing is recorded of the suite 'nothing'"),
        (["tiny@laptop", "tiny"], "with the profile 'laptop'"),
        (["absent.yaml", "tiny"], "cannot read absent.yaml"),
        (["tiny", "tiny", "--slower", "-3"], "--slower is -3.0; allowed: 0 to 1000"),
        (["tiny", "tiny", "--worse", "nan"], "--worse is nan; allowed: 0 to 1000"),
    ],
)
def test_mistakes(cli: Cli, results: Path, arguments: list[str], part: str) -> None:
    assert part in cli("compare", *arguments, "--results", results).sentence
