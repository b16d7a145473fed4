"""Tables built from a plan and a record made by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import linregress, t

from harness.analysis.confusions import counts_of
from harness.plan.plan import Plan
from harness.record.recorded import RecordedTiming, RecordedTraining, RecordedTrial
from harness.report.render.all_tables import all_tables
from harness.report.render.formats import FORMATS
from harness.report.tables.assemble import build_tables
from harness.report.tables.recorded_rows import RecordedRows, first_score
from harness.report.tables.rows import ErrorRow, Tables, TimeRow
from harness.suite.published import Published, PublishedProtocol
from harness.worker.numbers import Score, TrainingNumbers
from harness.worker.result import Result
from tests.harness.report.example import (
    ERRORS,
    FIXED,
    MACHINE,
    ORIGIN,
    OVERHEAD,
    SECONDS,
    example,
    plan,
    published,
    record,
    terminal,
)
from tests.harness.report.recording import (
    TrainedModel,
    Trials,
    by_key,
    on_machine,
    recorded,
    with_numbers,
    without_files,
)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return example()


def errors(tables: Tables, variant: str, task: str) -> ErrorRow:
    return next(row for row in tables.errors if (row.variant, row.task) == (variant, task))


def times(tables: Tables, variant: str) -> TimeRow:
    return next(row for row in tables.times if row.variant == variant)


def standard_error(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def numbers_only() -> dict[str, RecordedTrial]:
    """The record without the files of its trials."""
    return without_files(record())


def rebuilt(
    change: Callable[[Trials], Trials], fraction: float = 0.25, numbers: list[Published] | None = None
) -> Tables:
    """The tables after a change of the record, which has lost its files."""
    return build_tables(plan(fraction), published() if numbers is None else numbers, change(numbers_only()))


def test_what_has_to_be_said_of_a_test_is_a_reason() -> None:
    planned = plan(0.25)
    trials = [
        trial.model_copy(update={"remarks": ("unverified file",) if trial.task == "affnist" else ()})
        for trial in planned.trials
    ]
    built = build_tables(planned.model_copy(update={"trials": trials}), published(), numbers_only())
    assert "unverified file" in reasons(errors(built, "cnn", "affnist"))
    assert "unverified file" not in reasons(errors(built, "cnn", "mnist"))


def nothing(trials: Trials) -> Trials:
    return trials


def without(*beginnings: str) -> Callable[[Trials], Trials]:
    """Leave out the trials whose keys begin so."""
    return lambda trials: {key: trial for key, trial in trials.items() if not key.startswith(beginnings)}


def test_means_over_seeds_and_their_difference_from_the_paper(tables: Tables) -> None:
    row = errors(tables, "cnn", "mnist")
    assert row.measured == pytest.approx(1.5)
    assert standard_error([1.0, 2.0, 1.5]) < (row.standard_error or 0) < 1.0  # and what the images add
    assert (row.published, row.unit, row.n, row.standard_error_over) == (0.39, "percent", 3, "seeds and images")
    [without] = [each for each in rebuilt(nothing).errors if each.title == "cnn" and each.task == "mnist"]
    assert without.standard_error_over == "seeds"  # of models whose answers are not known
    assert without.standard_error == pytest.approx(max(standard_error([1.0, 2.0, 1.5]), math.sqrt(1.5 * 98.5 / 1000)))
    assert row.difference == pytest.approx(1.5 - 0.39)
    assert (row.test, row.images, row.iterations, row.fraction) == ("mnist", 1000, 3000, 0.25)
    assert row.status == "done"
    for (number, test), values in ERRORS.items():
        known = [value for value in values if value is not None]
        rows = [r for r in tables.errors if r.test == test and r.title == tables.errors[2 * number].title]
        for row in rows:
            assert row.measured == pytest.approx(sum(known) / len(known))


def test_the_test_set_that_the_task_is_named_after_is_the_one_that_counts(tables: Tables) -> None:
    row = errors(tables, "cnn", "affnist")
    assert row.test == "affnist-rebuilt"
    assert row.measured == pytest.approx(31.5)
    assert row.other_tests == {"expanded-mnist": pytest.approx(2.5)}


def test_a_row_with_missing_seeds_says_so(tables: Tables) -> None:
    row = errors(tables, "capsnet", "affnist")
    assert (row.measured, row.n, row.status) == (pytest.approx(21.0), 2, "interrupted")
    assert "2 of 3 seeds" in row.reason


def test_rows_without_a_result_say_why(tables: Tables) -> None:
    for variant, task, status in (("broken", "mnist", "failed"), ("mine", "affnist", "missing")):
        row = errors(tables, variant, task)
        assert (row.measured, row.standard_error, row.difference, row.n) == (None, None, None, 0)
        assert row.status == status
    assert tables.failures == {
        "broken · mnist · seed 0": r"RuntimeError: [red]size_mismatch & 100% | *star* {1}",
        "broken · mnist · seed 1": "the same",
        "broken · mnist · seed 2": "the same",
    }


def reasons(row: ErrorRow | TimeRow) -> set[str]:
    return set(row.caveats)


def test_what_keeps_a_number_from_being_compared(tables: Tables) -> None:
    part, few = "25.00% of the protocol", "1,000 of 10,000 test images"
    rebuilt_set, width = "rebuilt test set", "width 64 instead of 256"
    hardware = "the paper names neither hardware nor implementation"
    assert reasons(errors(tables, "cnn", "mnist")) == {part, few}
    assert reasons(errors(tables, "cnn", "affnist")) == {
        part,
        few,
        rebuilt_set,
        "the published CNN has max-pooling and an unspecified layout",
    }
    assert reasons(errors(tables, "lcapsnet", "affnist")) == {part, few, rebuilt_set, width}
    assert "nothing published" in reasons(errors(tables, "mine", "mnist"))
    assert reasons(times(tables, "capsnet")) == {hardware}
    assert reasons(times(tables, "lcapsnet")) == {hardware, width, "2 of 3 processes"}
    assert reasons(times(tables, "mine")) == {"nothing published"}
    assert not any(row.comparable for row in [*tables.errors, *tables.times])


def test_the_whole_protocol_on_the_whole_set_is_comparable() -> None:
    def all_images(trials: Trials) -> Trials:
        return by_key(
            with_numbers(trial, tests={"mnist": replace(trial.numbers.tests["mnist"], images=10_000)})
            if isinstance(trial, RecordedTraining) and "mnist" in trial.numbers.tests
            else trial
            for trial in trials.values()
        )

    whole = rebuilt(all_images, fraction=1.0)
    row = errors(whole, "cnn", "mnist")
    assert (row.comparable, row.reason) == (True, "")
    assert errors(whole, "lcapsnet", "mnist").reason == "width 64 instead of 256"


def test_fewer_training_images_than_published_are_told() -> None:
    made = plan(1.0)
    trials = [
        trial.model_copy(update={"work": trial.work.model_copy(update={"train_images": 1200})})
        if trial.kind == "training"
        else trial
        for trial in made.trials
    ]
    found = build_tables(made.model_copy(update={"trials": trials}), published(), numbers_only())
    assert "1,200 of 60,000 training images" in reasons(errors(found, "cnn", "mnist"))
    assert not any("training images" in reason for reason in reasons(errors(found, "mine", "mnist")))


def test_another_batch_size_than_published_is_told() -> None:
    numbers = [
        each.model_copy(update={"times": each.times.model_copy(update={"batch_size": 128})})
        for each in published()
        if each.times
    ]
    assert "batches of 100" in reasons(times(rebuilt(nothing, numbers=numbers), "capsnet"))


def with_number(**changes: Any) -> list[Published]:
    """The paper's numbers with something changed in each row of errors."""
    [paper] = published()
    assert paper.errors is not None
    rows = [number.model_copy(update=changes) for number in paper.errors.rows]
    return [paper.model_copy(update={"errors": paper.errors.model_copy(update={"rows": rows})})]


def test_what_a_protocol_has_unlike_the_published_one_is_told() -> None:
    protocol = PublishedProtocol.model_validate(
        {
            "batch_size": 128,
            "epochs": "not stated",
            "learning_rate": 0.001,
            "schedule": {"factor": 0.96, "every": 2000},
            "shift": 2,
            "stopped": "at 99.23% on expanded MNIST",
        }
    )
    found = reasons(errors(rebuilt(nothing, numbers=with_number(protocol=protocol)), "cnn", "mnist"))
    assert found >= {
        "batch size 100 instead of 128",
        "schedule constant instead of times 0.96 every 2,000 iterations of the whole",
        "shift 0 instead of 2",
        "trained to the end instead of stopped at 99.23% on expanded MNIST",
    }
    assert not any("epochs" in reason or "learning rate" in reason for reason in found)


def test_a_reason_with_a_semicolon_stays_one_reason() -> None:
    odd = "another layout; unspecified"
    row = errors(rebuilt(nothing, numbers=with_number(differs=odd)), "cnn", "mnist")
    assert odd in row.reasons
    assert row.unlike == odd
    notes = all_tables(rebuilt(nothing, numbers=with_number(differs=odd)))[0].notes
    assert sum(f": {odd}." in note for note in notes) == 1


def with_predictions(trial: TrainedModel, predictions: dict[str, np.ndarray]) -> TrainedModel:
    return replace(trial, result=replace(trial.result, predictions=predictions))


def in_another_order(trials: Trials) -> Trials:
    """Tests are kept in another order."""
    return by_key(
        with_predictions(trial, dict(reversed(trial.result.predictions.items())))
        if isinstance(trial, TrainedModel)
        else trial
        for trial in trials.values()
    )


def test_everything_is_about_the_first_test_of_a_task() -> None:
    """`expanded-mnist` is first here, though it is neither named after the task nor first in what is kept."""
    made = plan()
    tests = {"mnist": ("mnist",), "affnist": ("expanded-mnist", "affnist-rebuilt")}
    trials = [t.model_copy(update={"tests": tests[t.task] if t.kind == "training" else ()}) for t in made.trials]
    made = made.model_copy(update={"trials": trials})
    for trials_kept in (record(), in_another_order(record())):
        found = build_tables(made, published(), trials_kept)
        row = errors(found, "cnn", "affnist")
        assert row.test == "expanded-mnist"
        assert row.measured == pytest.approx(2.5)
        assert row.other_tests == {"affnist-rebuilt": pytest.approx(31.5)}
        pair = next(pair for pair in found.pairs if (pair.title, pair.task) == ("cnn", "affnist"))
        assert pair.test == "expanded-mnist"
        assert pair.pair.estimate.value == pytest.approx(2.5 - 0.85)
        assert found.rows_of is not None
        counts = found.rows_of("confusions").by_task(counts_of)["affnist"][row.title]
        assert 100 * (1 - np.trace(counts) / counts.sum()) == pytest.approx(2.5)
    planned = next(trial for trial in made.training if trial.key == "training 0 affnist 0")
    score = first_score(planned, RecordedRows(made, record()).training[planned.key])
    assert score == Score(2.0, 1000)


def test_a_first_test_that_was_not_measured_is_not_replaced_by_another() -> None:
    made = plan()
    trials = [t.model_copy(update={"tests": ("new", "mnist") if t.task == "mnist" else ()}) for t in made.trials]
    found = build_tables(made.model_copy(update={"trials": trials}), published(), record())
    assert errors(found, "cnn", "mnist").measured is None
    assert not [pair for pair in found.pairs if pair.task == "mnist"]


def with_a_constant_model() -> dict[str, RecordedTrial]:
    """One seed of the CNN always predicts the same class."""
    trials = record()
    trial = trials["training 0 mnist 1"]
    assert isinstance(trial, TrainedModel)
    constant = {test: np.full_like(classes, 3) for test, classes in trial.result.predictions.items()}
    return trials | {trial.key: with_predictions(trial, constant)}


def test_a_row_that_has_not_learned_is_marked(tables: Tables) -> None:
    found = build_tables(plan(), published(), with_a_constant_model())
    row = errors(found, "cnn", "mnist")
    assert (row.unlearned, row.chance) == (1, pytest.approx(89.8))
    assert [each.title for each in found.errors if each.unlearned] == ["cnn"]
    for text in (FORMATS["md"](found), terminal(found, 200)):
        assert "30.80 ± 29.55†" in text
        assert "† not learned: cnn on mnist, of whose 3 models 1 can't be told from the best constant answer" in text
        assert "cnn†" in text
    assert not any(each.unlearned for each in tables.errors)
    assert "†" not in FORMATS["md"](tables)


def test_the_baseline_is_found_without_a_label_and_under_another() -> None:
    made = plan()
    cnn = made.errors[0]
    timed = [cnn.model_copy(update={"row": 0, "label": "protocol=long"}), *made.times[1:]]
    for first in (cnn, timed[0]):
        changed = made.model_copy(update={"times": [first, *made.times[1:]]})
        found = build_tables(changed, published(), record())
        assert {pair.other for pair in found.pairs} == {"cnn"}
        assert not any("has no row" in note for table in all_tables(found) for note in table.notes)
    stranger = cnn.model_copy(update={"config": {"width": 1}})
    found = build_tables(made.model_copy(update={"times": [stranger, *made.times[1:]]}), published(), record())
    assert any("No row of errors is cnn" in note for table in all_tables(found) for note in table.notes)


def test_one_seed_takes_its_uncertainty_from_the_images() -> None:
    row = errors(rebuilt(without("training 0 mnist 1", "training 0 mnist 2")), "cnn", "mnist")
    assert (row.n, row.standard_error_over) == (1, "test images")
    assert row.standard_error == pytest.approx(100 * math.sqrt(0.01 * 0.99 / 1000))
    assert row.status == "missing"


def test_times(tables: Tables) -> None:
    row = times(tables, "capsnet")
    means = [1.02 * value for value in SECONDS[0] if value is not None]
    assert row.measured == pytest.approx(sum(means) / 3)
    assert row.standard_error == pytest.approx(standard_error(means))
    assert (row.published, row.published_standard_error, row.unit) == (1.732, 0.026, "seconds")
    assert row.difference == pytest.approx(sum(means) / 3 - 1.732)
    assert row.median == pytest.approx(1.7)
    assert (row.q25, row.q75) == (pytest.approx(1.7 * 0.98), pytest.approx(1.7 * 1.05))
    assert (row.with_data, row.first_iteration) == (pytest.approx(1.87), pytest.approx(5.1))
    assert (row.n, row.standard_error_over) == (3, "processes")
    assert (row.parameters, row.peak_memory_mib, row.batch_size, row.threads) == (8_215_568, 500.0, 100, 2)


def test_the_ratio_pairs_the_same_rounds_only(tables: Tables) -> None:
    ratio = times(tables, "lcapsnet").ratio
    assert ratio == pytest.approx(math.sqrt((0.20 / 1.6) * (0.22 / 1.7)))  # not 0.21 / 1.7, nor rounds 1 and 2
    base = times(tables, "capsnet")
    assert (base.ratio, base.ratio_low, base.ratio_high) == (pytest.approx(1), pytest.approx(1), pytest.approx(1))
    assert tables.baseline == "capsnet r=3"


def test_without_the_baseline_there_is_no_ratio() -> None:
    found = rebuilt(without("timing 0 "))
    assert times(found, "lcapsnet").ratio is None
    assert times(found, "capsnet").measured is None
    assert times(found, "capsnet").status == "missing"


def on_nodes(**nodes: str) -> Callable[[Trials], Trials]:
    """Each timed process on node a but those that are named, as `row_round`, with another one."""
    node_of = {"timing {} mnist {}".format(*name.removeprefix("_").split("_")): node for name, node in nodes.items()}
    return lambda trials: by_key(on_machine(each, node=node_of.get(each.key, "a")) for each in trials.values())


def test_the_ratio_pairs_rows_of_the_same_node_only() -> None:
    everywhere = times(rebuilt(nothing), "lcapsnet").ratio
    assert times(rebuilt(on_nodes()), "lcapsnet").ratio == everywhere
    whole_block = rebuilt(on_nodes(_0_2="b", _1_2="b", _2_2="b"))
    assert times(whole_block, "lcapsnet").ratio == everywhere
    moved = {f"_{row}_2": "b" for row in range(3) if row != plan().baseline}
    assert times(rebuilt(on_nodes(**moved)), "lcapsnet").ratio == pytest.approx(0.20 / 1.6)  # of round 0 alone


def test_times_are_compared_on_the_same_node_only(tables: Tables) -> None:
    moved = rebuilt(on_nodes(_1_2="b"))
    assert times(moved, "lcapsnet").ratio == pytest.approx(0.20 / 1.6)
    assert times(tables, "lcapsnet").ratio == pytest.approx(math.sqrt(0.20 / 1.6 * 0.22 / 1.7))


def test_rounds_that_share_none_with_the_baseline_give_no_ratio() -> None:
    assert times(rebuilt(without("timing 0 mnist 0", "timing 0 mnist 2")), "lcapsnet").ratio is None


def test_unsteady_processes_are_counted_and_not_dropped(tables: Tables) -> None:
    assert [row.unsteady for row in tables.times] == [0, 1, 0]
    assert times(tables, "lcapsnet").n == 2


def test_drift_is_that_of_the_fixed_model(tables: Tables) -> None:
    """Its mean over a round's processes: one of three, in the second round, saw it take a quarter longer at the end."""
    levels = np.log(FIXED) + np.array([0, math.log(1.25) / 2 / 2, 0])  # of two processes; the third is missing
    found = linregress([0, 1, 2], levels)
    assert tables.drift is not None
    assert tables.drift.change == pytest.approx(math.exp(2 * found.slope))
    half = 2 * found.stderr * t.ppf(0.975, 1)
    assert tables.drift.low == pytest.approx(math.exp(2 * found.slope - half))
    assert tables.drift.high == pytest.approx(math.exp(2 * found.slope + half))
    assert tables.drift.spread == pytest.approx(math.expm1(float(np.std(levels, ddof=1))))


def of_timings(change: Callable[[RecordedTiming], RecordedTrial]) -> Callable[[Trials], Trials]:
    """Change every timed process."""
    return lambda trials: by_key(change(each) if isinstance(each, RecordedTiming) else each for each in trials.values())


def test_a_fixed_model_that_was_not_timed_afterwards_tells_of_no_drift() -> None:
    lost = of_timings(lambda trial: with_numbers(trial, sentinel_after_seconds=None))
    assert rebuilt(lost).drift is None


def test_what_is_doubtful_about_times_is_told(tables: Tables) -> None:
    assert [row.drifting for row in tables.times] == [0, 0, 1]
    assert [row.trend is not None for row in tables.times] == [True, False, False]
    assert tables.times[0].trend == pytest.approx((0.90 * 0.91 * 0.92) ** (1 / 3))
    notes = " ".join(note for table in all_tables(tables) for note in table.notes)
    assert "capsnet r=3: the last third of the timed iterations took 0.91 times as long as the first" in notes
    assert ": around 1 of 3 processes the fixed model's time changed by more than 20%." in notes
    assert "A fixed model, timed before and after each process, took " in notes


def test_a_slope_that_helps_is_used_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.statistics.covariate.FEWEST_DEGREES", 3)  # of eight processes

    def machine(trial: RecordedTiming) -> RecordedTrial:
        """A machine that changes from process to process, which rows and fixed model see alike."""
        row, number = int(trial.key.split()[1]), int(trial.key.split()[3])
        level = [1.0, 1.3, 2.0][(row + number) % 3]
        fixed = {f"sentinel_{when}_seconds": 0.2 * level for when in ("before", "after")}
        return with_numbers(trial, median_seconds=[1.6, 0.2, 0.05][row] * level, **fixed)

    found = rebuilt(of_timings(machine))
    assert found.slope.value == pytest.approx(1)
    assert found.slope.lowers == pytest.approx(1)
    assert times(found, "mine").ratio == pytest.approx(0.05 / 1.6)
    assert found.drift is not None
    assert any("Ratios are of times without 1.00 of" in note for table in all_tables(found) for note in table.notes)


def test_the_environment_is_that_of_the_results(tables: Tables) -> None:
    assert tables.environments == 1  # failed and interrupted trials tell of none
    assert tables.environment == {f"machine.{name}": fact for name, fact in MACHINE.items()}

    def two(trials: Trials) -> Trials:
        other = on_machine(trials["training 0 mnist 1"], cpu="Another")
        return {other.key: other, **trials, other.key: other}

    assert rebuilt(two).environments == 2
    assert rebuilt(two).environment["machine.cpu"] == "Another"  # of the newest


def test_the_order_of_the_record_does_not_matter(tables: Tables) -> None:
    trials = list(record().values())
    random.Random(3).shuffle(trials)
    found = build_tables(plan(), published(), by_key(trials), OVERHEAD, ORIGIN)
    assert FORMATS["json"](found) == FORMATS["json"](tables)
    assert FORMATS["html"](found) == FORMATS["html"](tables)


@pytest.mark.parametrize("keep", [[], ["training 4 mnist 0"], ["training 1 affnist 2"]])
def test_a_record_without_any_result(keep: list[str]) -> None:
    """Nothing at all, only a failed trial, only an interrupted one."""
    found = build_tables(plan(), published(), {key: record()[key] for key in keep})
    assert all(row.measured is None for row in [*found.errors, *found.times])
    assert (found.environments, found.environment, found.drift) == (0, {}, None)
    assert len(found.failures) == keep.count("training 4 mnist 0")


def test_a_suite_with_one_table_only() -> None:
    made = plan()
    training = [trial for trial in made.trials if trial.kind == "training"]
    timing = [trial for trial in made.trials if trial.kind == "timing"]
    errors_only: dict[str, Any] = {"times": [], "trials": training}
    times_only: dict[str, Any] = {"errors": [], "trials": timing}
    assert build_tables(made.model_copy(update=errors_only), [], numbers_only()).times == []
    found = build_tables(made.model_copy(update=times_only), [], numbers_only())
    assert found.errors == []
    assert found.baseline == "capsnet r=3"


def test_trials_of_another_plan_are_left_out() -> None:
    stranger = recorded("stranger", Result(TrainingNumbers({"mnist": Score(99.0, 1000)}), machine={"cpu": "Another"}))
    found = build_tables(plan(), published(), {"stranger": stranger, **record()})
    assert found.environments == 1
    assert errors(found, "cnn", "mnist").measured == pytest.approx(1.5)


def test_a_plan_survives_the_record() -> None:
    assert Plan.model_validate_json(plan().model_dump_json()) == plan()


def test_a_row_beside_its_reference(tables: Tables) -> None:
    [row] = tables.speed
    assert (row.title, row.reference) == ("lcapsnet K=50 9×9", "capsnet r=3")
    assert (row.seconds, row.reference_seconds) == (pytest.approx(0.21), 1.7)
    # the second round of one of them is missing, so that two blocks are left, too few for an interval
    assert row.faster == pytest.approx(math.sqrt(1.6 / 0.20 * 1.7 / 0.22))
    assert (row.faster_low, row.faster_high) == (None, None)
    assert (row.memory_mib, row.reference_memory_mib) == (301, 300)
    assert row.reference_gflop == 42
    assert row.gflops == pytest.approx(42 / 0.21)
    assert row.matrix_product_share == pytest.approx(42 / 0.21 / 100)


def test_a_row_whose_reference_is_missing_has_no_ratio() -> None:
    [row] = rebuilt(without("timing 0")).speed
    assert row.seconds == pytest.approx(0.21)
    assert (row.reference_seconds, row.faster, row.gflops, row.matrix_product_share) == (None, None, None, None)
    [row] = rebuilt(without("timing 1")).speed
    assert (row.seconds, row.faster, row.memory_mib, row.gflops) == (None, None, None, None)


def test_a_clock_that_stands_still_breaks_no_table() -> None:
    trials = record()
    stopped = [with_numbers(trials[f"timing 1 mnist {number}"], median_seconds=0.0) for number in (0, 2)]
    found = build_tables(plan(), published(), trials | by_key(stopped))
    [row] = found.speed
    assert (row.faster, row.gflops) == (None, None)
    assert times(found, "lcapsnet").ratio is None
    assert times(found, "mine").ratio is not None
    assert found.verdicts[2].word == "undecided"


def test_the_harness_tells_its_own_time(tables: Tables) -> None:
    assert tables.overhead["first_step_seconds"] == 12.25
    assert rebuilt(nothing).overhead == {}
