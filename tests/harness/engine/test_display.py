"""Progress in a terminal and in a file."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from harness.engine import display
from harness.engine.display import Display, summary
from harness.plan.trial import TrainingTrial, Trial
from harness.text import duration
from harness.worker.numbers import Score, TimingNumbers, TrainingNumbers, curve_metrics
from harness.worker.result import Point, Progress, Result

HISTORY = (Point(6, 1.0, 0.5, curve_metrics(0.7, 12.34, {})),)
TRAINED = Result(TrainingNumbers({"mnist": Score(3.456, 1000), "noisy": Score(20.0, 1000)}, training_seconds=3.0))
TIMED = Result(TimingNumbers(median_seconds=0.12345, is_steady=True))


def test_summary_of_a_result() -> None:
    assert summary(TRAINED) == "3.46% wrong on mnist, 20.00% wrong on noisy"
    assert summary(TIMED) == "0.1235 s per iteration" or summary(TIMED) == "0.1234 s per iteration"
    assert summary(Result(TimingNumbers(median_seconds=0.12345, is_steady=False))).endswith("(not steady)")


@pytest.fixture
def piped() -> Console:
    return Console(file=io.StringIO(), soft_wrap=True)


def lines(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def play(shown: Display, trials: list[Trial]) -> None:
    """A trial that is done, one that is lost and then fails."""
    with shown:
        for trial in trials[:2]:
            shown.progressed(trial, Progress(0, 0, stage="starting"))
        shown.progressed(trials[0], Progress(6, 24, HISTORY))
        shown.lost(trials[1], "its worker was killed", 1)
        shown.progressed(trials[1], Progress(0, 0, stage="starting"))
        shown.finished(trials[0], TRAINED)
        shown.failed(trials[1], "ValueError: bad shape [2, 3] [/b] [red]", "the story")


@pytest.fixture
def two(training_trial: Callable[..., TrainingTrial]) -> list[Trial]:
    trial = training_trial()
    return [trial.model_copy(update={"key": key, "seed": number}) for number, key in enumerate("ab")]


def test_piped_it_is_plain_lines(piped: Console, two: list[Trial]) -> None:
    play(Display(piped, total=12), two)
    assert lines(piped) == [
        "started   tiny h=6 · tiny-digits · seed 0",
        "started   tiny h=6 · tiny-digits · seed 1",
        "lost      tiny h=6 · tiny-digits · seed 1: its worker was killed; it resumes in attempt 2",
        "started   tiny h=6 · tiny-digits · seed 1",
        "[ 1/12] tiny h=6 · tiny-digits · seed 0: 3.46% wrong on mnist, 20.00% wrong on noisy",
        "[ 2/12] tiny h=6 · tiny-digits · seed 1: failed: ValueError: bad shape [2, 3] [/b] [red]",
    ]


def test_now_and_then_a_line_says_how_far_it_is(
    piped: Console, two: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    shown = Display(piped, total=2, _started=0.0)
    shown.progressed(two[0], Progress(0, 0, stage="starting"))
    for iteration in range(1, 25):
        now[0] += 5
        shown.progressed(two[0], Progress(iteration, 24, HISTORY))
    running = [line for line in lines(piped) if line.startswith("running")]
    assert len(running) == 3  # of 24 words in 120 s
    assert running[0] == (
        "running   tiny h=6 · tiny-digits · seed 0: training  29% · epoch 1.00 · train error 12.3% · "
        "time left unknown yet"
    )
    # 21 of 24 iterations of the first of two trials took 105 s: 1.125 of 0.875 trials are left.
    assert running[2].endswith(f"about {duration(105 * 1.125 / 0.875)} left")


def test_a_terminal_shows_a_live_table(two: list[Trial]) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    play(Display(console, total=12), two)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[" in text
    assert "of 12 trials ended" in text
    assert "bad shape [2, 3] [/b] [red]" in text.replace("\n", "")


def test_a_terminal_that_can_only_print_gets_plain_lines(two: list[Trial]) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "dumb"})
    play(Display(console, total=12), two)
    assert lines(console)[0] == "started   tiny h=6 · tiny-digits · seed 0"
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_live_table_fits_a_narrow_terminal(two: list[Trial]) -> None:
    shown = Display(Console(file=io.StringIO(), width=80), total=12)
    for trial in two:
        shown.progressed(trial, Progress(6, 24, HISTORY))
    narrow = Console(file=io.StringIO(), width=80)
    narrow.print(shown._table())
    drawn = lines(narrow)
    assert any("training  25% · epoch 1.00 · train error 12.3%" in line for line in drawn)
    assert max(map(len, drawn)) <= 80


def test_the_last_phase_tells_the_total(piped: Console, two: list[Trial]) -> None:
    """A budget may have made trials of a plan that are done already."""
    shown = Display(piped, total=12)
    shown.begin_phase(1)
    shown.finished(two[0], TIMED)
    shown.begin_phase(1, is_last=True)
    shown.finished(two[1], TRAINED)
    assert [line.split("]")[0] for line in lines(piped)] == ["[ 1/12", "[2/2"]
