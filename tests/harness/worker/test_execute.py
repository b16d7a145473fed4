"""A trial in a process: threads, plugins, and either kind of work."""

from __future__ import annotations

import inspect
import itertools
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from harness.errors import UserError
from harness.plan.make import make_plan
from harness.plan.trial import TimingTrial, TrainingTrial, Trial
from harness.plugins import load as plugins
from harness.plugins import source
from harness.registry import load_plugin
from harness.suite.load import load_suite
from harness.worker.context import WorkerContext
from harness.worker.execute import execute_trial
from harness.worker.model_size import parameter_count
from harness.worker.numbers import to_metrics
from harness.worker.result import Progress
from variants import VARIANTS
from variants.contract import Config


def ignore(_: Progress) -> None:
    pass


@pytest.mark.parametrize("number", [1, 2])
def test_threads_are_those_of_the_context_and_are_told(
    timing_trial: Callable[..., TimingTrial], tmp_path: Path, number: int
) -> None:
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=number)
    assert execute_trial(timing_trial(), context, ignore).machine["threads"] == str(number)


def test_both_kinds(trials: Callable[..., list[Trial]], tmp_path: Path, tiny: Path) -> None:
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=1, plugins=(tiny,))
    for trial in trials():
        metrics = to_metrics(execute_trial(trial, context, ignore).numbers)
        assert ("time/iteration_median_seconds" in metrics) is (trial.kind == "timing")
        assert ("test/tiny-digits/error_percent" in metrics) is (trial.kind == "training")


def test_a_plugin_that_a_cluster_has_sent_along(
    training_trial: Callable[..., TrainingTrial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is not where the user had it, but somewhere on the path of imports."""
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / "sent_along.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_suffix('.ran').touch()"
    )
    monkeypatch.syspath_prepend(tmp_path / "sent")
    plugin = tmp_path / "users own" / "sent_along.py"
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1, plugins=(plugin,))
    execute_trial(training_trial(), context, ignore)
    assert (tmp_path / "sent" / "sent_along.ran").is_file()


def test_a_plugin_that_this_machine_lacks(training_trial: Callable[..., TrainingTrial], tmp_path: Path) -> None:
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=1, plugins=(tmp_path / "gone.py",))
    with pytest.raises(UserError, match="no plugin file"):
        execute_trial(training_trial(), context, ignore)


PLUGIN = """
import torch
from torch import nn
from torch.nn import functional as F
from variants import Config, Output, Variant, register
{extra}

@register({name!r})
class Edited(Variant):
    Config = Config

    def __init__(self, config):
        super().__init__(config)
        self.scores = nn.Linear(config.image_size**2, config.classes)
        {build}

    def forward(self, images, labels=None):
        return Output(self.scores(images.flatten(1)))

    def loss(self, output, images, labels):
        return F.cross_entropy(output.activities, labels) * {factor}
"""
NUMBERS = itertools.count()


@dataclass
class Planned:
    """A plugin, the trials of its variant, and where they run."""

    plugin: Path
    trials: list[Trial]
    context: WorkerContext
    text: Callable[..., str]

    def forget(self) -> None:
        """As in a process that has not loaded it."""
        [module] = [name for name in sys.modules if name.startswith(f"{plugins.PREFIX}{self.plugin.stem}_")]
        del sys.modules[module]
        VARIANTS._classes.pop(self.plugin.stem)
        source.loaded_texts.pop(self.plugin)
        source._digest.cache_clear()
        source._sources.cache_clear()


@pytest.fixture
def planned(tiny_suite: Path, tmp_path: Path) -> Callable[..., Planned]:
    def make(factor: str = "1", build: str = "", extra: str = "") -> Planned:
        name = f"edited{next(NUMBERS)}"

        def text(factor: str = factor, build: str = build, extra: str = extra) -> str:
            return PLUGIN.format(name=name, factor=factor, build=build, extra=extra)

        plugin = tmp_path / f"{name}.py"
        plugin.write_text(text())
        load_plugin(plugin)
        tiny_suite.write_text(tiny_suite.read_text().replace("variant: tiny", f"variant: {name}"))
        trials = [t for t in make_plan(load_suite(tiny_suite), tmp_path).trials if t.row == 0]
        context = WorkerContext(data=tmp_path, checkpoints=tmp_path / "c", threads=1, plugins=(plugin,))
        return Planned(plugin, trials, context, text)

    return make


def test_a_plugin_that_was_edited_since_the_plan_is_refused(planned: Callable[..., Planned]) -> None:
    one = planned()
    one.forget()
    one.plugin.write_text(one.text(factor="2"))
    for trial in one.trials:
        with pytest.raises(UserError, match=r"not what the trial was planned with \(planned \w{16}, here \w{16}\)"):
            execute_trial(trial, one.context, ignore)


def test_a_plugin_that_was_edited_since_the_plan_runs_as_it_was_planned(planned: Callable[..., Planned]) -> None:
    """Its text comes with the trial, also to a node that has no such file."""
    one = planned()
    [trial] = [trial for trial in one.trials if trial.kind == "training"]
    expected = execute_trial(trial, one.context, ignore).weights
    context = replace(
        one.context, plugin_texts=plugins.texts_when_loaded([one.plugin]), checkpoints=one.context.checkpoints / "again"
    )
    assert context.plugin_texts == {one.plugin: one.text().encode()}
    for change in (lambda: one.plugin.write_text(one.text(factor="2")), one.plugin.unlink):
        one.forget()
        change()
        assert execute_trial(trial, context, ignore).weights == expected
        assert "* 1" in inspect.getsource(VARIANTS.get(one.plugin.stem).loss)


def test_a_comment_in_it_is_no_other_source(planned: Callable[..., Planned]) -> None:
    one = planned()
    one.forget()
    one.plugin.write_text("# a remark\n" + one.text())
    assert execute_trial(one.trials[0], one.context, ignore).numbers


def test_where_a_nodes_own_file_is_another_the_one_that_was_sent_is_used(
    planned: Callable[..., Planned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = planned()
    one.forget()
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / one.plugin.name).write_text(one.text())
    monkeypatch.syspath_prepend(tmp_path / "sent")
    one.plugin.write_text(one.text(factor="2"))
    assert execute_trial(one.trials[0], one.context, ignore).numbers
    assert Path(sys.modules[VARIANTS.get(one.plugin.stem).__module__].__file__ or "").parent == tmp_path / "sent"


def test_a_harness_that_is_not_the_drivers_is_refused(
    training_trial: Callable[..., TrainingTrial], tmp_path: Path
) -> None:
    context = WorkerContext(data=tmp_path, checkpoints=tmp_path, threads=1, engine="0123456789abcdef")
    with pytest.raises(UserError, match="other files than the driver's"):
        execute_trial(training_trial(), context, ignore)
    assert execute_trial(training_trial(), replace(context, engine=source.engine_digest()), ignore).numbers


def test_what_a_trial_changes_of_the_process_is_put_back(planned: Callable[..., Planned]) -> None:
    one = planned(
        build="torch.set_default_dtype(torch.float64); torch.set_num_threads(7); random.seed(1); os.chdir('/')",
        extra="import os, random",
    )
    before = torch.get_num_threads(), random.getstate(), os.getcwd()
    for trial in one.trials:
        result = execute_trial(trial, one.context, ignore)
        assert result.machine["threads"] == "1"
    assert (torch.get_num_threads(), random.getstate(), os.getcwd()) == before
    assert torch.get_default_dtype() == torch.float32


def test_a_trial_that_leaves_the_program_fails_in_a_sentence(planned: Callable[..., Planned]) -> None:
    one = planned(build="import sys; sys.exit(0)")
    with pytest.raises(UserError, match="leaves the program"):
        execute_trial(one.trials[0], one.context, ignore)


def test_settings_of_a_plugin_do_not_change_its_own_plan(planned: Callable[..., Planned]) -> None:
    """Its key is of its source and settings, its parameters are counted as if it had changed nothing."""
    one = planned(extra="torch.set_default_dtype(torch.float64)")
    assert parameter_count(one.plugin.stem, one.trials[0].config) == 145 * 4
    model = VARIANTS.get(one.plugin.stem)(Config(image_size=12, classes=4))
    assert model.get_parameter("scores.weight").dtype == torch.float32
