"""A trained model that is recorded and loaded back gives its trial's predictions, plugin and all."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

import harness
import variants
from harness.data import DATASETS
from harness.errors import UserError
from harness.key import source_digest
from harness.record.address import default_address
from harness.record.history import History
from harness.record.model import save_model
from harness.trial import Trial

SUITE = """
name: tiny
protocols:
  short: {batch_size: 20, epochs: 40, learning_rate: 0.01}
table2:
  tasks: [tiny-digits]
  seeds: [4, 0]
  rows: [{variant: tiny, protocol: short}]
"""


@pytest.fixture(scope="module")
def results(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the tiny suite with two seeds, run in a process of its own."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "suite.yaml").write_text(SUITE)
    command = [
        "run",
        str(folder / "suite.yaml"),
        "--plugin",
        str(tiny),
        "--serial",
        "--results",
        str(folder / "results"),
    ]
    said = subprocess.run([sys.executable, "-m", "harness", *command], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return folder / "results"


@pytest.fixture
def ran(results: Path) -> History:
    """Their record."""
    return History(default_address(results), "tiny")


def runs_by_seed(history: History) -> dict[str, str]:
    """The ids of the trained trials' runs."""
    experiment = history.client.get_experiment_by_name("tiny").experiment_id
    found = history.client.search_runs([experiment], "tags.`harness.kind` = 'trial'")
    return {run.data.params["seed"]: run.info.run_id for run in found}


def digits() -> np.ndarray:
    data = DATASETS.get("tiny-digits")().load(Path())
    return next(iter(data.tests.values())).images


def test_it_predicts_what_its_trial_predicted(ran: History) -> None:
    run = runs_by_seed(ran)["4"]  # the first seed
    loaded = harness.load(run, ran.address)
    key = ran.client.get_run(run).data.tags["harness.key"]
    tests = DATASETS.get("tiny-digits")().load(Path()).tests
    for name, (predicted, _) in ran.answers(key).items():
        found = loaded.predict(tests[name].images)
        assert found.dtype == np.int64
        assert found.tolist() == predicted.tolist()
        assert len(set(found.tolist())) > 1


def test_it_has_a_signature_and_an_example_and_is_mlflows(ran: History) -> None:
    loaded = mlflow.pyfunc.load_model(f"runs:/{runs_by_seed(ran)['4']}/model")
    [given], [told] = loaded.metadata.signature.inputs.inputs, loaded.metadata.signature.outputs.inputs
    size = digits().shape[1]
    assert (given.type, given.shape, told.type, told.shape) == (np.uint8, (-1, size, size), np.int64, (-1,))
    assert loaded.predict(loaded.input_example).shape == (1,)
    assert loaded.metadata.metadata["title"] == "tiny h=6"
    with pytest.raises(mlflow.exceptions.MlflowException, match="shape"):
        loaded.predict(digits()[:, :2])


def test_a_fresh_process_needs_neither_suite_nor_plugin(ran: History, tmp_path: Path, results: Path) -> None:
    """Also when the results were moved as a whole."""
    run, size = runs_by_seed(ran)["4"], digits().shape[1]
    script = (
        "import harness, numpy\n"
        f"print(harness.load({run!r}).predict(numpy.zeros((2, {size}, {size}), numpy.uint8)).shape)"
    )
    shutil.move(results, tmp_path / "results")
    try:
        said = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    finally:
        shutil.move(tmp_path / "results", results)
    assert said.stdout == "(2,)\n", said.stderr


def test_changed_code_is_told(ran: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.key.source_digest", lambda _: "another")
    with pytest.warns(UserWarning, match="the code of 'tiny' is another than the model was trained with"):
        harness.load(runs_by_seed(ran)["4"], ran.address)


def test_which_models_are_kept(ran: History) -> None:
    with pytest.raises(UserError, match="has no model: those of the suite's first seed are kept"):
        harness.load(runs_by_seed(ran)["0"], ran.address)
    with pytest.raises(UserError, match="there is no run 0123"):
        harness.load("0123", ran.address)


def test_a_built_in_variant_needs_no_plugin(tmp_path: Path, training_trial: Callable[..., Trial]) -> None:
    model = variants.build("cnn", width=4)
    trial = training_trial().model_copy(
        update={"variant": "cnn", "config": model.config.model_dump(), "source": source_digest("variants.cnn")}
    )
    weights = io.BytesIO()
    torch.save(model.state_dict(), weights)
    save_model(trial, weights.getvalue(), tmp_path / "model")
    assert not list((tmp_path / "model").rglob("plugin.py"))
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model")).unwrap_python_model().model
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
