"""Plans: which trials a suite comes to, and which keys they have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import variants
from harness.data import DATASETS
from harness.errors import UserError
from harness.plan.key import keyed
from harness.plan.make import make_plan
from harness.plan.plan import Plan, count
from harness.plan.refine import at_fraction, with_data
from harness.plan.trial import Trial
from harness.suite.load import load_suite
from tests.harness.plan.plans import TIMES, plan_of

PAPER = Path(__file__).parents[3] / "suites" / "paper.yaml"
Write = Callable[..., Path]
SUITE = (
    """
name: two
protocols:
  short: {batch_size: 50, epochs: 2, learning_rate: 0.001, source: somewhere}
  long: {batch_size: 100, epochs: 8, learning_rate: 0.001}
errors:
  tasks: [mnist]
  seeds: [0, 1]
  train_images: 1000
  rows:
    - {variant: cnn, config: {width: 8}, protocol: short}
    - {variant: capsnet, config: {routing_iterations: 2, width: 8}, protocol: short}
"""
    + TIMES
)


def rekeyed(plan: Plan, **changes: str) -> list[Trial]:
    """The trials of a plan in their order, each changed and with the key that it has then."""
    training = {trial.key: keyed(trial.model_copy(update=changes)) for trial in plan.training}
    timing = {trial.key: keyed(trial.model_copy(update=changes)) for trial in plan.timing}
    trials: dict[str, Trial] = {**training, **timing}
    return [trials[trial.key] for trial in plan.trials]


def by_name(plan: Plan) -> dict[str, str]:
    found = {f"{trial.kind} {trial.name}": trial.key for trial in plan.trials}
    assert len(found) == len(plan.trials)
    return found


def keys_after(write: Write, *changes: tuple[str, str], **options: object) -> dict[str, str]:
    text = SUITE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return by_name(plan_of(write(text), **options))  # type: ignore[arg-type]


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        plan_of(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert str(path) in message
    return message


@pytest.mark.parametrize(("profile", "training"), [(None, 9 * 2 * 3), ("laptop", 9 * 2)])
def test_the_papers_suite(profile: str | None, training: int) -> None:
    plan = plan_of(PAPER, profile)
    assert len(plan.training) == training
    assert len(plan.timing) == 7 * 6
    assert len({trial.key for trial in plan.trials}) == len(plan.trials)
    assert len({trial.name for trial in plan.trials}) == len(plan.trials)
    assert len(plan.errors) == 9 * 2
    assert len(plan.times) == 7
    assert plan.times[plan.baseline].label == "r=3"
    widths = {trial.config["width"] for trial in plan.trials}
    assert widths == ({64} if profile else {256})


def test_the_papers_protocols_come_to_the_right_number_of_iterations() -> None:
    trials = plan_of(PAPER).training
    lengths = {(trial.variant, trial.work.iterations) for trial in trials}
    assert lengths == {("cnn", 641 * 468), ("capsnet", 641 * 468), ("lcapsnet", 30 * 1200)}


def test_tasks_decide_the_image_size_and_what_kernel_15_means() -> None:
    for task, size, capsules in (("mnist", 28, 288), ("affnist", 40, 1152)):
        trials = [t for t in plan_of(PAPER).training if t.task == task and t.config.get("kernel") == 15]
        assert {trial.config["k"] for trial in trials} == {50, 70, 100}
        assert {trial.config["image_size"] for trial in trials} == {size}
        assert {trial.label for trial in trials} == {"K=50 15×15", "K=70 15×15", "K=100 15×15"}
        with torch.device("meta"):
            model = variants.build("lcapsnet", **trials[0].config)
            output = model.eval()(torch.empty(2, 1, size, size))
        assert output.details is not None
        assert output.details["code"].shape == (2, capsules)


def test_without_a_budget_the_whole_protocol_is_planned(write: Write) -> None:
    plan = plan_of(write(SUITE), fraction=0.5)
    assert plan.fraction == 1
    assert {t.work.iterations for t in plan.training} == {40}


def test_a_budget_leaves_the_iterations_open_until_it_is_calibrated(write: Write) -> None:
    path = write(SUITE)
    open_, half = plan_of(path, budget="5m"), plan_of(path, budget="5m", fraction=0.5)
    assert open_.fraction is None
    assert {t.work.iterations for t in open_.training} == {None}
    assert {t.work.iterations for t in half.training} == {20}
    assert {t.work.full_iterations for t in half.training} == {40}


def test_a_fraction_of_the_suite_is_that_of_a_budget_without_a_calibration(write: Write) -> None:
    calibrated = plan_of(write(SUITE), budget="5m", fraction=0.3)
    asked = plan_of(write(f"fraction: 0.3{SUITE}"))
    assert (asked.fraction, asked.budget) == (0.3, None)
    assert {t.work.iterations for t in asked.training} == {12}  # of 40
    assert by_name(asked) == by_name(calibrated)
    assert plan_of(write(f"fraction: 1e-9{SUITE}")).trials[-1].work.iterations == 1  # type: ignore[union-attr]


def test_a_budget_counts_more_than_the_fraction_that_it_replaces(write: Write) -> None:
    path = write(f"fraction: 0.3{SUITE}")
    assert plan_of(path, budget="5m").fraction is None
    assert plan_of(path, budget="5m", fraction=0.5).fraction == 0.5


def test_a_fraction_of_times_alone_is_none(write: Write) -> None:
    assert plan_of(write("name: times\nfraction: 0.1\ntimes: {rows: [{variant: cnn}]}\n")).fraction == 1


def test_a_budget_without_training_needs_no_calibration(write: Write) -> None:
    path = write("name: times\ntimes: {rows: [{variant: cnn}]}\n")
    assert plan_of(path, budget="5m").fraction == 1


def test_a_fraction_changes_the_keys_of_training_alone(write: Write) -> None:
    path = write(SUITE)
    half, third = (by_name(plan_of(path, budget="5m", fraction=part)) for part in (0.5, 0.3))
    assert half.keys() == third.keys()
    for name, key in half.items():
        assert (third[name] == key) is name.startswith("timing")


def test_the_whole_protocol_has_the_same_keys_with_a_budget_as_without(write: Write) -> None:
    path = write(SUITE)
    assert by_name(plan_of(path, budget="5d", fraction=1.0)) == by_name(plan_of(path))


@pytest.mark.parametrize(
    "changes",
    [
        [("name: two", "name: three")],
        [("source: somewhere", "source: elsewhere")],
        [("short", "brief")],
        [("cnn, config: {width: 8}", "cnn, config: {width: 8, dropout: 0.5}")],  # the default
        [("{routing_iterations: 2, width: 8}", "{width: 8, routing_iterations: 2}")],
        [("errors:\n", "description: text\nattempts: 9\nerrors:\n")],
    ],
)
def test_what_is_not_measured_is_not_in_the_keys(write: Write, changes: list[tuple[str, str]]) -> None:
    assert set(keys_after(write, *changes).values()) == set(keys_after(write).values())


def test_each_row_is_trained_with_its_own_seeds(write: Write) -> None:
    path = write(SUITE.replace("cnn, config: {width: 8}", "cnn, config: {width: 8}, seeds: {mnist: [4, 2]}"))
    trained = plan_of(path).training
    assert [(trial.variant, trial.seed) for trial in trained] == [
        ("cnn", 4),
        ("cnn", 2),
        ("capsnet", 0),
        ("capsnet", 1),
    ]
    same = {trial.key for trial in trained} & set(keys_after(write).values())
    assert len(same) == 2  # a trial is the same, whatever the seeds of other rows


def test_adding_a_row_a_seed_or_a_round_leaves_the_other_keys(write: Write) -> None:
    before = keys_after(write)
    after = keys_after(
        write,
        (
            "rows:\n    - {variant: cnn, config",
            "rows:\n    - {variant: lcapsnet, protocol: long}\n    - {variant: cnn, config",
        ),
        ("seeds: [0, 1]", "seeds: [5, 0, 1]"),
        ("rounds: 2", "rounds: 4"),
    )
    assert set(before.values()) < set(after.values())
    assert len(after) == 3 * 3 + 3 * 4


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (("epochs: 2", "epochs: 3"), "training"),
        (("batch_size: 50", "batch_size: 40"), "training"),
        (("train_images: 1000", "train_images: 1100"), "training"),
        (("tasks: [mnist]", "test_images: 9\n  tasks: [mnist]"), "training"),
        (("rounds: 2", "rounds: 2\n  batch_size: 99"), "timing"),
        (("rounds: 2", "rounds: 2\n  threads: 1"), "timing"),
        (("rounds: 2", "rounds: 2\n  learning_rate: 0.1"), "timing"),
        (("rounds: 2", "rounds: 2\n  sentinel: 0"), "timing"),
    ],
)
def test_what_is_measured_is_in_the_keys(write: Write, change: tuple[str, str], kind: str) -> None:
    before, after = keys_after(write), keys_after(write, change)
    assert before.keys() == after.keys()
    for name, key in before.items():
        assert (after[name] != key) is name.startswith(kind)


def test_the_data_are_in_the_keys(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.data import Mnist

    before = keys_after(write)
    monkeypatch.setattr(Mnist, "digest", lambda self, folder: "other")
    assert not set(before.values()) & set(keys_after(write).values())


def test_training_trials_carry_the_names_of_their_tests_outside_the_keys(
    tiny_suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tiny_suite)
    assert {trial.tests for trial in plan.training} == {("tiny-digits", "noisy")}
    monkeypatch.setattr(DATASETS.get("tiny-digits"), "test_names", lambda self, folder: ["noisy", "tiny-digits"])
    other = plan_of(tiny_suite)
    assert {trial.tests for trial in other.training} == {("noisy", "tiny-digits")}
    assert by_name(other) == by_name(plan)


def test_training_trials_carry_what_has_to_be_said_of_their_data(
    tiny_suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plan_of(tiny_suite)
    monkeypatch.setattr(DATASETS.get("tiny-digits"), "remarks", lambda self, folder: ["borrowed"])
    plan = plan_of(tiny_suite)
    assert {trial.remarks for trial in plan.training} == {("borrowed",)}
    assert by_name(plan) == by_name(before)


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("classes", 4.0, "classes of the dataset 'tiny-digits'"),
        ("train_size", None, "train_size of the dataset 'tiny-digits'"),
        ("digest", lambda self, folder: "x" * 40, "digest"),
        ("test_names", lambda self, folder: ["odd (noise=20%)"], "odd (noise=20%)"),
    ],
)
def test_a_mistake_in_a_dataset_is_told_with_the_suite(
    tiny_suite: Path, monkeypatch: pytest.MonkeyPatch, attribute: str, value: object, words: str
) -> None:
    monkeypatch.setattr(DATASETS.get("tiny-digits"), attribute, value)
    assert words in refusal(tiny_suite)


def test_a_recorded_plan_without_names_of_tests_still_loads(tiny_suite: Path) -> None:
    stored = json.loads(plan_of(tiny_suite).model_dump_json())
    for trial in stored["trials"]:
        trial.pop("tests", None)
    assert {trial.tests for trial in Plan.model_validate(stored).training} == {()}


def test_only(write: Write) -> None:
    plan = plan_of(write(SUITE))
    assert plan.names("capsnet r=2 · mnist*") == {
        "capsnet r=2 · mnist · seed 0",
        "capsnet r=2 · mnist · seed 1",
    }
    assert len(plan.names("*timing*")) == 6
    with pytest.raises(UserError, match=r"--only \*resnet\*: no trial has such a name; names are like: .*round"):
        plan.names("*resnet*")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (
            "variant: cnn, config",
            "variant: cnm, config",
            ["errors.rows.0: unknown variant 'cnm'", "did you mean 'cnn'?", "lcapsnet"],
        ),
        ("variant: cnn}", "variant: cnm}", ["times.rows.2: unknown variant 'cnm'", "did you mean 'cnn'?"]),
        ("tasks: [mnist]", "tasks: [mnits]", ["errors: unknown dataset 'mnits'", "did you mean 'mnist'?"]),
        ("rounds: 2", "task: minst", ["times: unknown dataset 'minst'", "did you mean 'mnist'?"]),
        ("{routing_iterations: 3}", "{routing_iteration: 3}", ["times.rows.1: ", "'routing_iterations'"]),
        ("{routing_iterations: 3}", "{routing_iterations: 9}", ["times.rows.1: routing_iterations", "is 9", "5"]),
        (
            "{width: 8}, protocol",
            "{image_size: 8}, protocol",
            ["errors.rows.0.config: 'image_size' comes from the task"],
        ),
        ("batch_size: 50", "batch_size: 2000", ["batch_size of protocol 'short' is 2000", "1000 training images"]),
        ("rounds: 2", "baseline: {variant: lcapsnet}", ["times.baseline: no row is lcapsnet"]),
    ],
)
def test_mistakes_name_file_and_key(write: Write, old: str, new: str, parts: list[str]) -> None:
    assert old in SUITE
    message = refusal(write(SUITE.replace(old, new, 1)))
    for part in parts:
        assert part in message


def test_families_are_in_the_plan_and_older_plans_have_none(write: Write) -> None:
    claim = (
        "{kind: lower_mean_error, sentence: x, task: mnist, of: {variant: cnn}, than: {variant: capsnet}, family: a}"
    )
    plan = plan_of(write(f"{SUITE}claims: [{claim}]\nfamilies: {{a: All of them.}}\n"))
    assert plan.families == {"a": "All of them."}
    stored = json.loads(plan.model_dump_json())
    assert Plan.model_validate(stored) == plan
    del stored["families"]
    del stored["claims"][0]["family"]
    older = Plan.model_validate(stored)
    assert (older.families, older.claims[0].family) == ({}, None)


def test_count() -> None:
    assert count(["new", "done", "new"]) == {"new": 2, "done": 1}


def test_precision_is_part_of_the_key(write: Write) -> None:
    exact = by_name(plan_of(write(SUITE)))
    rough = by_name(plan_of(write(SUITE.replace("name: two", "name: two\nprecision: bfloat16"))))
    assert exact.keys() == rough.keys()
    assert not set(exact.values()) & set(rough.values())


def test_a_plan_made_before_its_data_are_there_is_the_one_made_after(tiny_suite: Path, tmp_path: Path) -> None:
    """All that the data decide (digest, tests, keys) is brought up to date."""
    suite = load_suite(tiny_suite)
    plan = make_plan(suite, tmp_path)
    stale = plan.model_copy(update={"trials": rekeyed(plan, data="unknown")})
    assert by_name(stale) != by_name(plan)
    assert with_data(stale, tmp_path) == plan


def test_a_fraction_changes_training_alone_and_only_where_a_budget_leaves_it_open(write: Write) -> None:
    path = write(SUITE)
    open_ = plan_of(path, budget="5m")
    half = at_fraction(open_, 0.5)
    assert half.timing == open_.timing
    assert {trial.work.iterations for trial in half.training} == {20}
    assert at_fraction(half, 0.3) == half
    assert at_fraction(open_, None) == open_
    assert at_fraction(half, 0.5).trials == rekeyed(half)
