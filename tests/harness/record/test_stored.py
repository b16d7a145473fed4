"""Plans in the record outlive the version of the harness that wrote them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow.entities import Metric

import variants
from harness.errors import UserError
from harness.plan.plan import Plan
from harness.record.loading import read_model
from harness.record.stored import FIELD, VERSION, restore, restore_trial, store
from harness.record.writer import RunWriter
from harness.report.build import read_tables
from tests.harness.record.recorded_training import recorded_training

OLD = Path(__file__).with_name("old")
OpenRecord = Callable[..., RunWriter]
Cli = Callable[..., Any]


def test_what_is_written_is_read(plan: Plan) -> None:
    text = json.dumps(store(plan))
    assert json.loads(text)[FIELD] == VERSION
    assert restore(Plan, text, "a plan") == plan


def test_fields_of_a_newer_version_are_ignored_wherever_they_stand(plan: Plan) -> None:
    told = store(plan)
    told |= {FIELD: VERSION + 1, "new": 1}
    trials: Any = told["trials"]
    trials[0]["new"] = {"x": [1]}
    training = next(trial for trial in trials if trial["kind"] == "training")
    training["work"]["protocol"]["schedule"]["new"] = 2
    assert restore(Plan, json.dumps(told), "a plan") == plan


def test_fields_that_came_later_are_defaulted(plan: Plan) -> None:
    told = store(plan)
    del told["claims"]
    trials: Any = told["trials"]
    for trial in trials:
        for name in {"tests", "source", "data"} & trial.keys():
            del trial[name]
    found = restore(Plan, json.dumps(told), "a plan")
    assert found.claims == []
    assert {trial.tests for trial in found.training} == {()}


def test_fields_that_had_other_names_are_found(plan: Plan) -> None:
    told = store(plan)
    told["table2"], told["table3"] = told.pop("errors"), told.pop("times")
    assert restore(Plan, json.dumps({**told, FIELD: 2}), "a plan") == plan


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"version": 9, "suite": 1}', '{"version": {}}'])
def test_what_cannot_be_read_is_one_sentence(text: str) -> None:
    with pytest.raises(
        UserError, match=r"plan.json of run x can't be read: .*; use the version of the harness"
    ) as told:
        restore(Plan, text, "plan.json of run x")
    assert len(str(told.value).splitlines()) == 1


def test_what_a_user_writes_is_still_read_strictly(plan: Plan) -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        Plan.model_validate({**plan.model_dump(), "new": 1})


@pytest.fixture(params=sorted(OLD.iterdir()), ids=lambda folder: folder.name)
def of_old(request: pytest.FixtureRequest, open_record: OpenRecord) -> RunWriter:
    """A record whose newest plan an earlier version has written, with results of all its trials; twice."""
    text = (request.param / "plan.json").read_text(encoding="utf-8")
    metrics = json.loads((request.param / "metrics.json").read_text(encoding="utf-8"))
    plan = restore(Plan, text, "an old plan")
    record: RunWriter = open_record()
    for _ in range(2):
        invocation = record.begin_invocation(plan, [], "the command")
        record.client.log_text(invocation, text, "plan.json")
        for trial in plan.trials:
            if trial.key not in record.trials():
                record.begin(trial)
                run = record.trials()[trial.key].run_id
                record.client.log_batch(run, [Metric(name, value, 0, 0) for name, value in metrics[trial.key].items()])
                record.client.set_terminated(run, "FINISHED")
        record.end_invocation(invocation, "FINISHED")
    return record


def test_reports_and_comparisons_are_made_of_records_of_every_version(
    of_old: RunWriter, cli: Cli, results: Path
) -> None:
    training = of_old.invocation(of_old.latest_invocation(None)).plan.training
    assert {trial.tests for trial in training} == {("tiny-digits", "noisy")}
    found = {t.key: recorded_training(of_old, t.key).numbers.tests["tiny-digits"].error_percent for t in training}
    errors = [np.mean([found[t.key] for t in training if t.row == row]) for row in (0, 1)]
    assert [row.measured for row in read_tables(of_old, None).errors] == pytest.approx(errors)
    said = cli("compare", "tiny~1", "tiny", "--results", results)
    assert said.code == 0, said.err
    assert all(f"{error:.2f}" in said.out for error in errors)


def test_a_plan_that_is_lost_beyond_reading_is_a_sentence(of_old: RunWriter, cli: Cli, results: Path) -> None:
    of_old.client.log_text(of_old.latest_invocation(None), '{"suite": 1}', "plan.json")
    said = cli("compare", "tiny~1", "tiny", "--results", results)
    assert "plan.json of run" in said.sentence
    assert "can't be read" in said.sentence


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_model_that_an_earlier_version_has_kept_is_read(version: str, tiny: Path, tmp_path: Path) -> None:
    """The first version kept none."""
    kept = (OLD / version / "trial.json").read_bytes()
    plan = restore(Plan, (OLD / version / "plan.json").read_text(encoding="utf-8"), "an old plan")
    [planned] = [trial for trial in plan.training if (trial.row, trial.seed) == (0, 0)]
    trial = restore_trial(kept)
    assert trial == planned
    weights = variants.build("tiny", **trial.config).state_dict()
    torch.save(weights, tmp_path / "weights.pt")
    (tmp_path / "trial.json").write_bytes(kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the variant may have changed since
        model = read_model(tmp_path, trust_code=False)
    assert model.trial == planned
    assert all(torch.equal(weights[name], each) for name, each in model.module.cpu().state_dict().items())
