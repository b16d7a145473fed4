"""What a worker is told besides the trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.trial import Progress

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Context:
    """Where a trial runs and with what."""

    data: Path  # the folder of the datasets
    checkpoints: Path  # the folder of all trials' checkpoints
    threads: int  # processor threads
    plugins: tuple[Path, ...] = ()  # files that register variants
    gpu: bool = False  # whether a GPU was granted
    attempt: int = 1
    keep_model: bool = False  # whether the trained parameters are part of the result
    checkpoint_seconds: float = 120.0  # a checkpoint is written at least so often

    @property
    def algorithms(self) -> Path:
        """The folder that keeps which algorithms were chosen on which machine."""
        return self.checkpoints / "algorithms"
