"""What a worker is told besides the trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.worker.result import Progress

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class WorkerContext:
    """Where a trial runs and with what."""

    data: Path  # the folder of the datasets
    checkpoints: Path  # the folder of the checkpoints of a suite's trials, each in a folder of its own
    threads: int  # processor threads
    plugins: tuple[Path, ...] = ()  # files that register what the trial needs
    others: tuple[Path, ...] = ()  # further plugins, which are loaded only if something in them is asked for
    texts: Mapping[Path, bytes] = field(default_factory=dict)  # of plugins, as the driver has loaded them
    engine: str = ""  # digest of the driver's harness; "" is not compared
    gpu: bool = False  # whether a GPU was granted
    line: str = (
        ""  # of drivers that follow each other, and which of them this is: see `harness.worker.train.checkpoint`
    )
    driver: int = 0
    attempt: int = 1
    algorithms: Path | None = None  # the folder that keeps which algorithms were chosen on which machine
    keep_model: bool = False  # whether the trained parameters are part of the result
    checkpoint_seconds: float = 120.0  # a checkpoint is written at least so often
