"""A plan and a record made by hand, and their report; `python tests/harness/report/example.py` writes the golden files.

Five rows on two tasks with three seeds, three rows timed in three rounds: some trials are missing, one has failed,
one row has no published number and a name full of signs that LaTeX, Markdown and rich would take for their own.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import TimingTrial, TimingWork, TrainingTrial, TrainingWork, Trial
from harness.report.render.formats import FILES, FORMATS
from harness.report.render.terminal import print_tables
from harness.report.tables.assemble import build_tables
from harness.report.tables.rows import Origin, Tables
from harness.suite.protocol import Protocol, TimingProtocol
from harness.suite.published import Published, load_published

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
ERRORS = {  # percent, by row, test and seed
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
SECONDS = {  # medians by round; the means are 2% above
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
    "machine.cpu": "An Imaginary Processor",
    "machine.device": "cpu",
    "machine.allocator": "glibc, keeps memory",
    "machine.tf32": "false",
    "machine.python": "3.11.2",
    "machine.torch": "2.14.1",
    "machine.numpy": "2.4.6",
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
        claims=CLAIMS,  # type: ignore[arg-type]
    )


class Files:
    """What the trials have left: mistakes that come to the errors above, activities of two rows."""

    def answers(self, key: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """As `RunReader.answers` gives it: the same images are hard for all, some more for one row than for another."""
        _, row, task, seed = key.split()
        found = {}
        for test in TASKS[task]:
            error = ERRORS[int(row), test][int(seed)]
            common = np.random.default_rng([int(seed)]).random(1000)
            own = np.random.default_rng([int(seed), int(row)]).random(1000)
            wrong = np.argsort(np.argsort(common + own)) < round(10 * error)
            true = np.arange(1000, dtype=np.uint8) % 10
            found[test] = ((true + wrong) % 10, true)  # what is wrong is taken for the next class
        return found

    def arrays(self, key: str, analysis: str) -> dict[str, np.ndarray]:
        """As `RunReader.arrays` gives it."""
        return self.activity(key) if analysis == "capsule_activity" else self.pictures(key)

    def pictures(self, key: str) -> dict[str, np.ndarray]:
        """What is kept of images: the second row has a decoder, the third prunes."""
        _, row, task, _ = key.split()
        at = np.array([3, 14]) if row != "3" else np.array([], dtype=int)
        images = np.arange(10 * 64, dtype=np.uint8).reshape(10, 8, 8)
        found = {"mistakes": images[: len(at)], "mistakes_at": at}
        if row == "1":
            moved = np.resize(np.arange(251, dtype=np.uint8), (16, 11, 8, 8))
            found |= {"shown": images, "reconstructed": 255 - images, "moved": moved, "moved_class": np.array(5)}
        if row == "2" and task == "mnist":
            kept = np.zeros((10, 3, 3))
            kept[:, 1, 1], kept[:, 0, 2] = 6, 2
            found |= {"kept": kept, "centres": np.array([2.0, 4.0, 6.0]), "mean_images": images}
        return found

    def curve(self, key: str) -> list[tuple[float, float]]:
        """As `RunReader.curve` gives it: errors that halve with every epoch."""
        _, row, _, seed = key.split()
        return [(float(epoch), (60 + 5 * int(row) + int(seed)) / 2**epoch) for epoch in range(1, 6)]

    def samples(self, key: str) -> list[float]:
        """As `RunReader.samples` gives it: a few around the median."""
        _, row, _, number = key.split()
        median = SECONDS[int(row)][int(number)]
        assert median is not None
        return [median * factor for factor in (0.98, 1.0, 1.01, 0.99, 1.1)]

    def activity(self, key: str) -> dict[str, np.ndarray]:
        """What is kept of capsules: couplings fall with the activities, and the ladder's have two levels."""
        _, row, task, seed = key.split()
        if task != "mnist" or row not in "12":
            return {}
        if row == "2":
            return {"activities": np.array([0.9 - 0.001 * int(seed)] * 50 + [0.1] * 250)}
        falling = np.linspace(0.9, 0.1, 300)
        noise = np.random.default_rng([int(seed)]).normal(0, 0.02, 300)
        return {"activities": falling, "couplings": 0.1 + 0.1 * falling + noise}


def frame() -> pd.DataFrame:
    """What is recorded, as `RunReader.frame` gives it."""
    lines: list[dict[str, Any]] = []
    for row in range(len(ROWS)):
        for task, tests in TASKS.items():
            for seed in range(3):
                lines += _trained(training(row, task, seed), row, tests, seed)
    for row, medians in SECONDS.items():
        lines += [_timed(timing(row, n), median, n) for n, median in enumerate(medians) if median is not None]
    return pd.DataFrame(lines).set_index("key")


def _trained(trial: Trial, row: int, tests: list[str], seed: int) -> list[dict[str, Any]]:
    if ROWS[row][0] == "broken":
        cause = r"RuntimeError: [red]size_mismatch & 100% | *star* {1}" if seed == 0 else "the same"
        return [{"key": trial.key, "status": "failed", "cause": cause}] if trial.task == "mnist" else []
    if (row, tests[0]) not in ERRORS:
        return []
    errors = {test: ERRORS[row, test][seed] for test in tests}
    if None in errors.values():
        return [{"key": trial.key, "status": "interrupted", "cause": "", "train/loss": 0.5}]
    metrics = {f"test/{test}/error_percent": error for test, error in errors.items()}
    metrics |= {f"test/{test}/images": 1000.0 for test in tests}
    return [{"key": trial.key, "status": "done", "cause": "", **MACHINE, **metrics}]


def _timed(trial: Trial, median: float, number: int) -> dict[str, Any]:
    metrics = {
        "time/iteration_mean_seconds": median * 1.02,
        "time/iteration_median_seconds": median,
        "time/iteration_q25_seconds": median * 0.98,
        "time/iteration_q75_seconds": median * 1.05,
        "time/with_data_median_seconds": median * 1.1,
        "time/first_iteration_seconds": median * 3,
        "time/inference_image_median_seconds": median / 300,
        "machine/others_cores": 0.7 if (trial.row, number) == (2, 1) else 0.02,
        "sentinel/before_seconds": FIXED[number],
        "sentinel/after_seconds": FIXED[number] * (1.25 if (trial.row, number) == CHANGED else 1.0),
        "time/trend": (0.90, 0.91, 0.92)[number] if trial.row == 0 else (0.98, 1.01, 1.0)[number],
        "time/is_steady": float(not (trial.row == 1 and number == 2)),
        "memory/peak_mib": 500.0 + trial.row,
        "memory/before_mib": 200.0,
        "machine/matrix_product_gflops": 100.0,
        "model/parameters": 8_215_568.0,
    }
    if number == 0:
        metrics["model/iteration_gflop"] = 42.0 + trial.row
        metrics["model/image_multiply_adds"] = 202e6
    return {"key": trial.key, "status": "done", "cause": "", **MACHINE, **metrics}


def published() -> list[Published]:
    """The paper's numbers."""
    return load_published([NUMBERS])


def example() -> Tables:
    """The tables of the example."""
    return build_tables(plan(), published(), frame(), OVERHEAD, Files(), ORIGIN)


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
