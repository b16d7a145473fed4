"""Every registered analysis is measured; one that fails costs nothing but itself, and a calibration counts them all."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch

from harness.analysis import ANALYSES, Analysis, TrainedModel
from harness.analysis.measuring import measure_all, seconds_of_all
from harness.errors import UserError
from harness.suite.claims import ModelClaim
from tests.harness.analysis.fakes import drawer, examples, trained

Measure = Callable[[TrainedModel], Any]
Register = Callable[..., None]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Make some analyses, given by what they measure, the only ones."""
    ANALYSES.names()
    monkeypatch.setattr(ANALYSES, "_classes", {})
    monkeypatch.setattr(ANALYSES, "_registered_by", {})

    def add(**measures: Measure) -> None:
        for name, measure in measures.items():
            made = type(name, (Analysis,), {"measure": lambda _, trained, measure=measure: measure(trained)})
            ANALYSES.register(name)(made)

    return add


def fails(trained: TrainedModel) -> Any:
    raise ValueError("no such capsule")


def test_what_fails_is_told_and_left_out(register: Register, caplog: pytest.LogCaptureFixture) -> None:
    register(
        one=lambda _: {"a": np.arange(3)},
        fails=fails,
        leaves=lambda _: sys.exit(3),
        words=lambda _: {"text": np.array(["x"])},
        none=lambda _: None,
        empty=lambda _: {},
        tensor=lambda _: {"b": torch.ones(2)},
    )
    with caplog.at_level(logging.WARNING):
        found = measure_all(trained(drawer(), examples()))
    assert found.keys() == {"one", "tensor"}
    assert found["one"]["a"].tolist() == [0, 1, 2]
    assert type(found["tensor"]["b"]) is np.ndarray
    told = {record.getMessage().split("'")[1]: record.getMessage() for record in caplog.records}
    assert told.keys() == {"fails", "leaves", "words", "none"}
    assert "'fails' of Drawer is left out: ValueError: no such capsule" in told["fails"]
    assert "only numbers can be kept" in told["words"]


def test_the_model_is_in_evaluation_without_gradients_and_in_training_afterwards(register: Register) -> None:
    seen = []

    def spoils(trained: TrainedModel) -> Any:
        seen.append((trained.model.training, torch.is_grad_enabled()))
        trained.model.train()
        return {}

    register(a=spoils, b=spoils)
    model = drawer()
    measure_all(trained(model, examples()))
    assert seen == [(False, False)] * 2
    assert model.training


def test_outputs_come_with_their_images() -> None:
    test = examples(450)
    found = list(trained(drawer(), test).outputs(test))
    assert [len(batch) for batch, _ in found] == [200, 200, 50]
    assert (np.concatenate([batch.labels for batch, _ in found]) == test.labels).all()
    for batch, output in found:
        details = output.details or {}
        assert details["kept"][:, 0, 0].numpy() == pytest.approx(batch.images[:, :4, :4].sum((1, 2)) / 255, rel=1e-5)
    assert list(trained(drawer(size=9), test).outputs(test)) == []


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_calibration_counts_every_batch_by_the_first(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, test, batches = Clock(), examples(450), []
    monkeypatch.setattr("harness.analysis.measuring.perf_counter", clock)

    def goes_through(trained: TrainedModel) -> Any:
        clock.now += 7  # whatever it does before
        for batch, _ in trained.outputs(test):
            clock.now += 4
            batches.append(len(batch))
        return {"x": np.zeros(1)}

    def stops(trained: TrainedModel) -> Any:
        for _ in trained.outputs(test):
            clock.now += 1
            break
        return {}

    def half(trained: TrainedModel) -> Any:
        goes_through(trained)
        raise ValueError

    register(goes_through=goes_through)
    assert seconds_of_all(trained(drawer(), test)) == pytest.approx(7 + 4 * 450 / 200)
    assert batches == [200]
    register(stops=stops, half=half)
    assert seconds_of_all(trained(drawer(), test)) == pytest.approx(2 * (7 + 4 * 450 / 200) + 1)


@pytest.mark.parametrize("name", ["../x", "", "a/b", "a" * 99, 7])
def test_names_are_those_of_files(register: Register, name: Any) -> None:
    with pytest.raises(UserError, match="an analysis can't have this name"):
        ANALYSES.register(name)(type("Named", (Analysis,), {}))


def test_what_is_no_analysis_or_unknown_is_a_sentence(register: Register) -> None:
    register(curved=fails)
    with pytest.raises(UserError, match=r"'x' cannot be an analysis: .* does not derive from Analysis; make it"):
        ANALYSES.register("x")(dict)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="unknown analysis 'curve': did you mean 'curved'"):
        ANALYSES.get("curve")
    with pytest.raises(UserError, match="two analyses are called 'curved'"):
        ANALYSES.register("curved")(type("Other", (Analysis,), {}))


class NoKind(ModelClaim):
    pass


class Taken(ModelClaim):
    kind: Literal["lower_error"]


@pytest.mark.parametrize(("model", "said"), [(NoKind, "has no kind"), (dict, "has no kind"), (Taken, "harness's own")])
def test_claims_have_kinds_of_their_own(register: Register, model: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        ANALYSES.register("x")(type("Claiming", (Analysis,), {"claims": {model: fails}}))
    assert ANALYSES.names() == []


def test_importing_the_analyses_is_quick() -> None:
    """Neither the command line nor a trial's process needs matplotlib, pandas or SciPy for them."""
    heavy = "[m for m in ('torch', 'matplotlib', 'pandas', 'scipy', 'mlflow', 'ray') if m in sys.modules]"
    script = f"import sys; from harness.analysis import ANALYSES; ANALYSES.names(); print({heavy})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
