"""A plan and a record made by hand, and their report; `python tests/harness/report/example.py` writes the golden files.

Five rows on two tasks with three seeds, three rows timed in three rounds: some trials are missing, one has failed,
one row has no published number and a name full of signs that LaTeX, Markdown and rich would take for their own.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import TimingTrial, TimingWork, TrainingTrial, TrainingWork
from harness.record.recorded import RecordedTrial
from harness.report.render.formats import FILES, FORMATS
from harness.report.render.terminal import print_tables
from harness.report.tables.assemble import build_tables
from harness.report.tables.rows import Origin, Tables
from harness.suite.protocol import Protocol, TimingProtocol
from harness.suite.published import Published, load_published
from harness.worker.numbers import Score, TimingNumbers, TrainingNumbers, curve_metrics
from harness.worker.result import Point, Result
from tests.harness.report.recording import by_key, recorded

GOLDEN = Path(__file__).parent / "golden"
NUMBERS = Path(__file__).with_name("numbers.yaml")
SIGNS = r"[b]a_b & 50% {x} #1 $5 ~^ \ | *"
ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("cnn", "", {"width": 256}),
    ("capsnet", "r=3", {"width": 256, "routing_iterations": 3}),
    ("lcapsnet", "K=50 9×9", {"width": 64, "k": 50, "kernel": 9}),
    ("mine", SIGNS, {"width": 256}),
    ("broken", "", {"width": 256}),
]
TASKS = {"mnist": ["mnist"], "affnist": ["affnist-rebuilt", "expanded-mnist"]}
ERRORS: dict[tuple[int, str], list[float | None]] = {  # percent, by row, test and seed
    (0, "mnist"): [1.0, 2.0, 1.5],
    (0, "affnist-rebuilt"): [30.0, 33.0, 31.5],
    (0, "expanded-mnist"): [2.0, 2.5, 3.0],
    (1, "mnist"): [0.5, 0.3, 0.7],
    (1, "affnist-rebuilt"): [20.0, 22.0, None],  # the third seed was interrupted
    (1, "expanded-mnist"): [0.8, 0.9, None],
    (2, "mnist"): [0.9, 0.6, 0.6],
    (2, "affnist-rebuilt"): [14.0, 12.0, 13.0],
    (2, "expanded-mnist"): [1.0, 1.1, 0.9],
    (3, "mnist"): [5.0, 6.0, 7.0],
}
TIMED = [1, 2, 3]  # rows of times, by their place in ROWS
SECONDS: dict[int, list[float | None]] = {  # medians by round; the means are 2% above
    0: [1.6, 1.8, 1.7],
    1: [0.20, None, 0.22],  # the second round is missing
    2: [0.05, 0.06, 0.04],
}
FIXED = [0.20, 0.22, 0.21]  # seconds of the fixed model by round, before each process
CHANGED = (2, 1)  # row and round in which it took a quarter longer afterwards
REFERENCES = {1: 0}  # of rows of times
CLAIMS: list[dict[str, Any]] = [
    {
        "kind": "lower_error",
        "sentence": "capsules are better on moved & turned digits",
        "where": "section 1",
        "family": "errors",
        "of": {"variant": "lcapsnet"},
        "than": {"variant": "capsnet"},
        "task": "affnist",
    },
    {
        "kind": "error_value",
        "sentence": "CNN 0.39%",
        "of": {"variant": "cnn"},
        "task": "mnist",
        "percent": 0.39,
        "within": 0.1,
    },
    {
        "kind": "time_ratio",
        "sentence": "five times as fast",
        "of": {"variant": "lcapsnet"},
        "to": {"variant": "capsnet"},
        "at_most": 0.2,
    },
    {
        "kind": "coupling_follows_activity",
        "sentence": "active capsules are coupled",
        "of": {"variant": "capsnet"},
        "task": "mnist",
    },
    {
        "kind": "clearer_separation",
        "sentence": "few are clearer",
        "of": {"variant": "lcapsnet"},
        "than": {"variant": "capsnet"},
        "task": "mnist",
    },
    {
        "kind": "lower_mean_error",
        "sentence": "capsules are better on the whole",
        "family": "errors",
        "of": {"variant": "lcapsnet"},
        "than": {"variant": "mine"},
        "task": "mnist",
        "by": 1,
        "each": True,
    },
    {
        "kind": "lowest_error",
        "sentence": "nobody has measured this",
        "of": {"variant": "mine"},
        "among": {"variant": "broken"},
        "task": "affnist",
    },
]
FAMILIES = {"errors": "methods compared on moved & turned digits"}
OVERHEAD = {
    "startup_seconds": 9.5,
    "first_step_seconds": 12.25,
    "setup_seconds": 1.5,
    "between_seconds": 30.0,
    "share": 0.04,
}
ORIGIN = Origin(
    command="python -m harness run example.yaml",
    suite="name: example  # <all> of it\n",
    code={"version": "0.1.0", "commit": "0123abcd", "dirty": "false"},
    page="http://127.0.0.1:5000/#/experiments/1/runs/f00d?workflowType=machine_learning",
    pages={},
)
MACHINE = {
    "cpu": "An Imaginary Processor",
    "device": "cpu",
    "allocator": "glibc, keeps memory",
    "tf32": "false",
    "python": "3.11.2",
    "torch": "2.14.1",
    "numpy": "2.4.6",
}


def training(row: int, task: str, seed: int, fraction: float = 0.25) -> TrainingTrial:
    """A training trial whose key says what it is."""
    protocol = Protocol(batch_size=100, epochs=20, learning_rate=0.001)
    work = TrainingWork(
        protocol=protocol,
        full_iterations=12_000,
        iterations=int(12_000 * fraction),
        train_images=60_000,
        test_images=1000,
    )
    return TrainingTrial(**_common("training", row, ROWS[row], task, seed), seed=seed, work=work)


def timing(row: int, number: int) -> TimingTrial:
    """A timing trial."""
    work = TimingWork(protocol=TimingProtocol(batch_size=100, rounds=3, threads=2), learning_rate=0.001)
    return TimingTrial(**_common("timing", row, ROWS[TIMED[row]], "mnist", number), round=number, work=work)


def _common(kind: str, row: int, which: tuple[str, str, dict[str, Any]], task: str, repeat: int) -> dict[str, Any]:
    variant, label, config = which
    key = f"{kind} {row} {task} {repeat}"
    return {"key": key, "row": row, "variant": variant, "label": label, "config": config, "task": task}


def plan(fraction: float = 0.25) -> Plan:
    """The plan of the example."""
    trained = [training(row, task, seed, fraction) for row in range(len(ROWS)) for task in TASKS for seed in range(3)]
    timed = [timing(row, number) for number in range(3) for row in range(len(TIMED))]
    planned = [
        PlannedRow(row=n, variant=variant, label=label, config=config, task=task)
        for n, (variant, label, config) in enumerate(ROWS)
        for task in TASKS
    ]
    return Plan(
        suite="example",
        profile="laptop",
        budget=1200.0,
        fraction=fraction,
        errors=planned,
        times=[
            PlannedRow(row=n, variant=variant, label=label, config=config, task="mnist", reference=REFERENCES.get(n))
            for n, (variant, label, config) in enumerate(ROWS[place] for place in TIMED)
        ],
        baseline=0,
        precision="bfloat16",
        trials=[*timed, *trained],
        families=FAMILIES,
        claims=CLAIMS,
    )


def record() -> dict[str, RecordedTrial]:
    """What is recorded, as `RunReader.trials` gives it."""
    trials = [
        _recorded_training(training(row, task, seed), row, task, seed)
        for row in range(len(ROWS))
        for task in TASKS
        for seed in range(3)
    ]
    for row, medians in SECONDS.items():
        trials += [
            _recorded_timing(timing(row, n), median, n) for n, median in enumerate(medians) if median is not None
        ]
    return by_key(filter(None, trials))


def _recorded_training(trial: TrainingTrial, row: int, task: str, seed: int) -> RecordedTrial | None:
    if ROWS[row][0] == "broken":
        cause = r"RuntimeError: [red]size_mismatch & 100% | *star* {1}" if seed == 0 else "the same"
        return recorded(trial.key, Result(TrainingNumbers()), "failed", cause) if task == "mnist" else None
    known = {test: ERRORS.get((row, test), [None] * 3)[seed] for test in TASKS[task]}
    errors = {test: error for test, error in known.items() if error is not None}
    if len(errors) < len(known):
        is_begun = (row, TASKS[task][0]) in ERRORS
        return recorded(trial.key, Result(TrainingNumbers()), "interrupted") if is_begun else None
    return recorded(trial.key, _trained(row, task, seed, errors))


def _trained(row: int, task: str, seed: int, errors: dict[str, float]) -> Result:
    """Mistakes that come to the errors above, curves whose errors halve with every epoch, pictures and activities."""
    true = np.arange(1000, dtype=np.uint8) % 10
    pictures = _pictures(row, task)
    analyses = dict.fromkeys(("mistakes", "reconstructions", "perturbation", "pruning_map"), pictures)
    return Result(
        numbers=TrainingNumbers({test: Score(error, 1000) for test, error in errors.items()}),
        history=tuple(
            Point(600 * epoch, float(epoch), 1.0 * epoch, curve_metrics(0.5, (60 + 5 * row + seed) / 2**epoch, {}))
            for epoch in range(1, 6)
        ),
        predictions={test: (true + _wrong(row, seed, error)) % 10 for test, error in errors.items()},
        labels=dict.fromkeys(errors, true),
        arrays={**analyses, "capsule_activity": _activity(row, task, seed)},
        machine=MACHINE,
    )


def _wrong(row: int, seed: int, error: float) -> np.ndarray:
    """The mistakes of a model: the same images are hard for all, some more for one row than for another.

    What is wrong is taken for the next class.
    """
    common = np.random.default_rng([seed]).random(1000)
    own = np.random.default_rng([seed, row]).random(1000)
    wrong: np.ndarray = np.argsort(np.argsort(common + own)) < round(10 * error)
    return wrong


def _pictures(row: int, task: str) -> dict[str, np.ndarray]:
    """What is kept of images: the second row has a decoder, the third prunes."""
    at = np.array([3, 14]) if row != 3 else np.array([], dtype=int)
    images = np.arange(10 * 64, dtype=np.uint8).reshape(10, 8, 8)
    found = {"mistakes": images[: len(at)], "mistakes_at": at}
    if row == 1:
        moved = np.resize(np.arange(251, dtype=np.uint8), (16, 11, 8, 8))
        found |= {"shown": images, "reconstructed": 255 - images, "moved": moved, "moved_class": np.array(5)}
    if row == 2 and task == "mnist":
        kept = np.zeros((10, 3, 3))
        kept[:, 1, 1], kept[:, 0, 2] = 6, 2
        found |= {"kept": kept, "centres": np.array([2.0, 4.0, 6.0]), "mean_images": images}
    return found


def _activity(row: int, task: str, seed: int) -> dict[str, np.ndarray]:
    """What is kept of capsules: couplings fall with the activities, and the ladder's have two levels."""
    if task != "mnist" or row not in (1, 2):
        return {}
    if row == 2:
        return {"activities": np.array([0.9 - 0.001 * seed] * 50 + [0.1] * 250)}
    falling = np.linspace(0.9, 0.1, 300)
    noise = np.random.default_rng([seed]).normal(0, 0.02, 300)
    return {"activities": falling, "couplings": 0.1 + 0.1 * falling + noise}


def _recorded_timing(trial: TimingTrial, median: float, number: int) -> RecordedTrial:
    numbers = TimingNumbers(
        mean_seconds=median * 1.02,
        median_seconds=median,
        q25_seconds=median * 0.98,
        q75_seconds=median * 1.05,
        with_data_seconds=median * 1.1,
        first_seconds=median * 3,
        inference_image_seconds=median / 300,
        others_cores=0.7 if (trial.row, number) == (2, 1) else 0.02,
        sentinel_before_seconds=FIXED[number],
        sentinel_after_seconds=FIXED[number] * (1.25 if (trial.row, number) == CHANGED else 1.0),
        trend=(0.90, 0.91, 0.92)[number] if trial.row == 0 else (0.98, 1.01, 1.0)[number],
        is_steady=not (trial.row == 1 and number == 2),
        peak_memory_mib=500.0 + trial.row,
        memory_before_mib=200.0,
        matrix_product_gflops=100.0,
        parameters=8_215_568,
        iteration_gflop=42.0 + trial.row if number == 0 else None,
        image_multiply_adds=202e6 if number == 0 else None,
    )
    samples = [median * factor for factor in (0.98, 1.0, 1.01, 0.99, 1.1)]
    return recorded(trial.key, Result(numbers, samples={"iteration": samples}, machine=MACHINE))


def published() -> list[Published]:
    """The paper's numbers."""
    return load_published([NUMBERS])


def example() -> Tables:
    """The tables of the example."""
    return build_tables(plan(), published(), record(), OVERHEAD, ORIGIN)


def terminal(tables: Tables, width: int = 80) -> str:
    """What is printed on a terminal of so many columns, without its colours."""
    console = Console(file=io.StringIO(), width=width)
    print_tables(tables, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rendered() -> dict[str, str]:
    """The report in every format but the page, whose figures differ with matplotlib, by the name of its golden file."""
    tables = example()
    texts = {name: FORMATS[kind](tables) for name, kind in FILES.items() if kind != "html"}
    return texts | {"terminal.txt": terminal(tables)}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
