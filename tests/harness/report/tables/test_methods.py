"""How numbers were obtained, in words."""

from __future__ import annotations

from pathlib import Path

from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.record.stored import restore
from harness.report.tables.methods import methods_of
from harness.suite.load import load_suite
from tests.harness.report.example import plan

OLD = Path(__file__).parents[2] / "record" / "old" / "1" / "plan.json"
SUITE = "name: times\ntimes: {rounds: 4, sentinel: NUMBER, rows: [{variant: cnn}]}\n"


def test_rows_of_other_seeds_are_told_apart() -> None:
    whole = plan()
    kept = [trial for trial in whole.trials if (trial.kind, trial.row, trial.repeat) != ("training", 0, 1)]
    methods = methods_of(whole.model_copy(update={"trials": kept}))
    trained = [method for method in methods if method.what == "Test error on mnist"]
    assert [method.rows == whole.errors[0].title for method in trained] == [True, False]
    assert "; seeds 0, 2; " in trained[0].text
    assert "; seeds 0, 1, 2; " in trained[1].text
    assert whole.errors[0].title not in trained[1].rows.split(", ")


def timed(plan: Plan) -> str:
    [text] = [method.text for method in methods_of(plan) if method.what.startswith("Seconds")]
    return text


def test_order_and_fixed_model(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE.replace("NUMBER", "7"))
    text = timed(make_plan(load_suite(suite), tmp_path))
    assert text.startswith(
        "4 rounds; in each, every row in a fresh process of its own, in an order drawn anew by each run and reversed "
        "in every second round, alone"
    )
    assert "Before and after each process 7 iterations of a fixed model, in processes of their own. Mean" in text
    suite.write_text(SUITE.replace("NUMBER", "0"))
    assert "fixed model" not in timed(make_plan(load_suite(suite), tmp_path))


def test_a_plan_of_an_older_version() -> None:
    text = timed(restore(Plan, OLD.read_text(encoding="utf-8"), "an old plan"))
    assert "in each, every row and a fixed model in a fresh process of its own, in shuffled order, alone" in text
    assert text.count("fixed model") == 1
