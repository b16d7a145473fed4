"""A trained model that is recorded and loaded back gives its trial's predictions, plugin and all."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch

import harness
import variants
from harness.data import DATASETS
from harness.errors import UserError
from harness.plan.trial import TrainingTrial
from harness.plugins.source import source_digest
from harness.record.loading import read_model
from harness.record.model import save_model
from harness.record.reader import RunReader
from harness.record.tracking_uri import QUIET, default_tracking_uri
from harness.registry import load_plugin
from tests.harness.record.recorded_training import recorded_training
from variants import VARIANTS

SUITE = """
name: tiny
protocols:
  short: {batch_size: 20, epochs: 40, learning_rate: 0.01}
errors:
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
    temporary = folder / "temporary"
    temporary.mkdir()
    said = subprocess.run(
        [sys.executable, "-m", "harness", *command],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert list(temporary.iterdir()) == []  # nothing of the run, its report and its models
    return folder / "results"


@pytest.fixture
def ran(results: Path) -> RunReader:
    """Their record."""
    return RunReader(default_tracking_uri(results), "tiny")


@pytest.fixture
def copied(results: Path, tmp_path: Path) -> Path:
    """A copy of the results, to be changed."""
    return Path(shutil.copytree(results, tmp_path / "copied"))


def runs_by_seed(history: RunReader) -> dict[str, str]:
    """The ids of the trained trials' runs."""
    experiment = history.client.get_experiment_by_name("tiny").experiment_id
    found = history.client.search_runs([experiment], "tags.`harness.kind` = 'trial'")
    return {run.data.params["seed"]: run.info.run_id for run in found}


def digits() -> np.ndarray:
    data = DATASETS.get("tiny-digits")().load(Path())
    return next(iter(data.tests.values())).images


def test_it_predicts_what_its_trial_predicted(ran: RunReader) -> None:
    run = runs_by_seed(ran)["4"]  # the first seed
    loaded = harness.load(run, ran.tracking_uri)
    key = ran.client.get_run(run).data.tags["harness.key"]
    tests = DATASETS.get("tiny-digits")().load(Path()).tests
    for name, (predicted, _) in recorded_training(ran, key).predictions.items():
        found = loaded.predict(tests[name].images)
        assert found.dtype == np.int64
        assert found.tolist() == predicted.tolist()
        assert len(set(found.tolist())) > 1


def test_it_has_a_signature_and_an_example_and_is_mlflows(ran: RunReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ran.tracking_uri)
    loaded = mlflow.pyfunc.load_model(f"runs:/{runs_by_seed(ran)['4']}/model")
    [given], [told] = loaded.metadata.signature.inputs.inputs, loaded.metadata.signature.outputs.inputs
    size = digits().shape[1]
    assert (given.type, given.shape, told.type, told.shape) == (np.uint8, (-1, size, size), np.int64, (-1,))
    assert loaded.predict(loaded.input_example).shape == (1,)
    assert loaded.metadata.metadata["title"] == "tiny h=6"
    with pytest.raises(mlflow.exceptions.MlflowException, match="shape"):
        loaded.predict(digits()[:, :2])


def test_a_fresh_process_needs_the_plugin_or_a_word_of_trust(ran: RunReader, tmp_path: Path, results: Path) -> None:
    """Also when the results were moved as a whole."""
    run, size = runs_by_seed(ran)["4"], digits().shape[1]
    script = (
        "import harness, numpy\n"
        "from harness.errors import UserError\n"
        "try:\n"
        f"    harness.load({run!r})\n"
        "except UserError as error:\n"
        "    print(error)\n"
        f"model = harness.load({run!r}, trust_code=True)\n"
        f"print(model.predict(numpy.zeros((2, {size}, {size}), numpy.uint8)).shape)\n"
        "from variants import VARIANTS\n"
        "print('tiny' in VARIANTS.names())"
    )
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    shutil.move(results, tmp_path / "results")
    try:
        said = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        shutil.move(tmp_path / "results", results)
    [refused, shape, known] = said.stdout.splitlines() or [said.stderr] * 3
    assert refused.startswith("the model is of the plugin 'tiny', and no variant has that name here; load the plugin")
    assert (shape, known) == ("(2,)", "False")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_no_code_of_a_record_runs(ran: RunReader, copied: Path, tmp_path: Path) -> None:
    run = runs_by_seed(ran)["4"]
    mark = tmp_path / "ran"
    code = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
    codes = list((copied / "artifacts" / run).rglob("*.py"))
    assert len(codes) == 2
    for path in codes:
        path.write_text(code)
    assert harness.load(run, default_tracking_uri(copied)).predict(digits()).shape == (len(digits()),)
    assert not mark.exists()


def rewrite(path: Path, change: Callable[[Any], None]) -> None:
    """Change what a file of weights or of a trial holds."""
    if path.suffix == ".pt":
        content = torch.load(path)
        change(content)
        torch.save(content, path)
    else:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("weights.pt", lambda w: w["hidden.bias"].add_(1e-3), "are not those that its training ended with"),
        ("weights.pt", lambda w: w.pop("hidden.bias"), "the variant has other parameters"),
        ("weights.pt", lambda w: w.update(big=torch.zeros(1 << 20)), "larger than the weights of the variant"),
        ("weights.pt", lambda w: w.update(code=print), r"weights.pt of the model can't be read"),
        ("trial.json", lambda t: t.update(key="0" * 16), "is of another trial than the run"),
        ("trial.json", lambda t: t.update(kind="guess"), "trial.json of the model can't be read"),
        ("trial.json", lambda t: t.update(label="x" * (1 << 20)), "larger than 1 MiB"),
        ("trial.json", lambda t: t["config"].update(hidden=10**9), "hidden"),
        ("trial.json", lambda t: t.update(variant="nobody's"), "no variant has that name here"),
    ],
)
def test_what_is_not_as_it_was_recorded_is_refused(
    ran: RunReader, copied: Path, name: str, change: Callable[[Any], None], told: str
) -> None:
    run = runs_by_seed(ran)["4"]
    rewrite(copied / "artifacts" / run / "artifacts" / "model" / "artifacts" / name, change)
    with pytest.raises(UserError, match=told):
        harness.load(run, default_tracking_uri(copied))


def test_a_plugin_is_not_taken_for_a_built_in_variant_of_its_name(ran: RunReader, copied: Path) -> None:
    run = runs_by_seed(ran)["4"]
    files = copied / "artifacts" / run / "artifacts" / "model" / "artifacts"
    rewrite(files / "trial.json", lambda trial: trial.update(variant="cnn"))
    with pytest.raises(UserError, match=r"plugin 'cnn', and another variant has that name here.*trust_code=True"):
        harness.load(run, default_tracking_uri(copied))
    [plugin] = files.glob("plugin-*/tiny.py")
    plugin.write_text(plugin.read_text().replace('@register("tiny")', '@register("cnn")'))
    with pytest.warns(UserWarning, match="differs from what the model was trained with"):
        loaded = harness.load(run, default_tracking_uri(copied), trust_code=True)
    assert type(loaded.module).__name__ == "Tiny"
    assert VARIANTS.get("cnn").__module__ == "variants.cnn"


def test_a_plugin_is_kept_with_what_lies_beside_it(
    tmp_path: Path, training_trial: Callable[..., TrainingTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, files = tmp_path / "home", tmp_path / "model" / "artifacts"
    (home / "parts").mkdir(parents=True)
    (home / "stranger.txt").write_text("not of the plugin")
    (home / "parts" / "__init__.py").write_text("")
    (home / "parts" / "head.py").write_text("from torch import nn\n\ndef head(n, m):\n    return nn.Linear(n, m)\n")
    (home / "beside_model.py").write_text("from parts.head import head\n")
    (home / "two.py").write_text(
        "from beside_model import head\n"
        "from variants import Config, Output, Variant, register\n"
        "@register('two-files')\n"
        "class Two(Variant):\n"
        "    Config = Config\n"
        "    def __init__(self, config):\n"
        "        super().__init__(config)\n"
        "        self.scores = head(config.image_size**2, config.classes)\n"
        "    def forward(self, images, labels=None):\n"
        "        return Output(self.scores(images.flatten(1)))\n"
        "    def loss(self, output, images, labels):\n"
        "        return output.activities.sum()\n"
    )
    any_trial, pixels = training_trial(), torch.tensor(digits() / 255).float()
    with monkeypatch.context() as patched, VARIANTS.apart():
        patched.syspath_prepend(home)
        load_plugin(home / "two.py")
        model = variants.build("two-files", image_size=12, classes=4)
        trial = any_trial.model_copy(
            update={
                "variant": "two-files",
                "config": model.config.model_dump(),
                "source": VARIANTS.source_digest("two-files"),
            }
        )
        weights = io.BytesIO()
        torch.save(model.state_dict(), weights)
        save_model(trial, weights.getvalue(), tmp_path / "model")
    for name in ("beside_model", "parts", "parts.head"):
        sys.modules.pop(name)
    shutil.rmtree(home)
    kept = {str(path.relative_to(files / "plugin-two")) for path in files.rglob("*.py")}
    assert kept == {"two.py", "beside_model.py", "parts/__init__.py", "parts/head.py"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is the code that it was trained with
        loaded = read_model(files, trust_code=True)
    assert loaded.predict(digits()).tolist() == model.eval()(pixels).predictions().tolist()
    assert "beside_model" not in sys.modules
    assert str(files / "plugin-two") not in sys.path
    assert "two-files" not in VARIANTS.names()


def test_the_callers_settings_stay(ran: RunReader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri("http://mine.example")
    levels = {name: logging.getLogger(name).level for name in ("mlflow", "mlflow.store.db.utils", "alembic")}
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)
    environment = dict(os.environ)
    try:
        loaded = harness.load(runs_by_seed(ran)["4"], ran.tracking_uri)
        assert mlflow.get_tracking_uri() == "http://mine.example"
        assert dict(os.environ) == environment
    finally:
        mlflow.set_tracking_uri(None)
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert not loaded.module.training
    loaded.predict(digits())
    assert not loaded.module.training
    assert list(tmp_path.iterdir()) == []


def test_images_of_another_kind(ran: RunReader) -> None:
    loaded = harness.load(runs_by_seed(ran)["4"], ran.tracking_uri)
    assert loaded.predict(digits()[:0]).shape == (0,)
    with pytest.raises(UserError, match=r"are float32 \(45, 12, 12\); this model takes uint8 \(images, 12, 12\)"):
        loaded.predict(digits().astype(np.float32))
    with pytest.raises(UserError, match="this model takes"):
        loaded.predict(digits()[:, :2])


def test_changed_code_is_told(ran: RunReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VARIANTS, "source_digest", lambda _: "another")
    with pytest.warns(UserWarning, match="the code of 'tiny' differs from what the model was trained with"):
        harness.load(runs_by_seed(ran)["4"], ran.tracking_uri)


def test_which_models_are_kept(ran: RunReader, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no model: those of each row's first seed are kept"):
        harness.load(runs_by_seed(ran)["0"], ran.tracking_uri)
    with pytest.raises(UserError, match="there is no run 0123"):
        harness.load("0123", ran.tracking_uri)
    with pytest.raises(UserError, match="there is no record at"):
        harness.load("0123", default_tracking_uri(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_there_and_cannot_be_read(ran: RunReader, copied: Path) -> None:
    run = runs_by_seed(ran)["4"]
    files = copied / "artifacts" / run / "artifacts" / "model" / "artifacts"
    (files / "weights.pt").unlink()
    with pytest.raises(UserError, match=r"weights.pt of the model can't be read \(FileNotFoundError"):
        harness.load(run, default_tracking_uri(copied))


def test_a_built_in_variant_needs_no_plugin(tmp_path: Path, training_trial: Callable[..., TrainingTrial]) -> None:
    model = variants.build("cnn", width=4)
    trial = training_trial().model_copy(
        update={"variant": "cnn", "config": model.config.model_dump(), "source": source_digest("variants.cnn")}
    )
    weights = io.BytesIO()
    torch.save(model.state_dict(), weights)
    save_model(trial, weights.getvalue(), tmp_path / "model")
    assert not list((tmp_path / "model").rglob("plugin*"))
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model")).unwrap_python_model().model
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_a_model_with_settings_of_another_version(tmp_path: Path, training_trial: Callable[..., TrainingTrial]) -> None:
    trial = training_trial().model_copy(
        update={"variant": "cnn", "label": "", "config": {"image_size": 28, "depth": 3}}
    )
    save_model(trial, b"", tmp_path / "model")
    with pytest.raises(UserError, match=r"the model of cnn was trained by another version of the code: .* 'depth'"):
        read_model(tmp_path / "model" / "artifacts", trust_code=False)
