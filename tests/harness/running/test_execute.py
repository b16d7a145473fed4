"""A trial in a process: threads, plugins, and either kind of work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.running.context import Context
from harness.running.execute import execute
from harness.trial import Progress, Trial


def ignore(_: Progress) -> None:
    pass


@pytest.mark.parametrize("number", [1, 2])
def test_threads_are_those_of_the_context_and_are_told(
    timing_trial: Callable[..., Trial], tmp_path: Path, number: int
) -> None:
    context = Context(data=tmp_path, checkpoints=tmp_path, threads=number)
    assert execute(timing_trial(), context, ignore).machine["threads"] == str(number)


def test_both_kinds(trials: Callable[..., list[Trial]], tmp_path: Path, tiny: Path) -> None:
    context = Context(data=tmp_path, checkpoints=tmp_path, threads=1, plugins=(tiny,))
    for trial in trials():
        metrics = execute(trial, context, ignore).metrics
        assert ("time/iteration_median_seconds" in metrics) is (trial.kind == "timing")
        assert ("test/tiny-digits/error_percent" in metrics) is (trial.kind == "training")


def test_a_plugin_that_a_cluster_has_sent_along(
    training_trial: Callable[..., Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is not where the user had it, but somewhere on the path of imports."""
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / "sent_along.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_suffix('.ran').touch()"
    )
    monkeypatch.syspath_prepend(tmp_path / "sent")
    plugin = tmp_path / "users own" / "sent_along.py"
    context = Context(data=tmp_path, checkpoints=tmp_path / "checkpoints", threads=1, plugins=(plugin,))
    execute(training_trial(), context, ignore)
    assert (tmp_path / "sent" / "sent_along.ran").is_file()


def test_a_plugin_that_this_machine_lacks(training_trial: Callable[..., Trial], tmp_path: Path) -> None:
    context = Context(data=tmp_path, checkpoints=tmp_path, threads=1, plugins=(tmp_path / "gone.py",))
    with pytest.raises(UserError, match="no plugin file"):
        execute(training_trial(), context, ignore)
