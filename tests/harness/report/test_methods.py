"""How numbers were obtained, in words."""

from __future__ import annotations

from example import plan

from harness.report.methods import methods_of


def test_rows_of_other_seeds_are_told_apart() -> None:
    whole = plan()
    kept = [trial for trial in whole.trials if (trial.kind, trial.row, trial.seed) != ("training", 0, 1)]
    methods = methods_of(whole.model_copy(update={"trials": kept}))
    trained = [method for method in methods if method.what == "Test error on mnist"]
    assert [method.rows == whole.table2[0].title for method in trained] == [True, False]
    assert "; seeds 0, 2; " in trained[0].text
    assert "; seeds 0, 1, 2; " in trained[1].text
    assert whole.table2[0].title not in trained[1].rows.split(", ")
