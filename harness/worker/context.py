"""Everything a worker needs besides the trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.worker.result import Progress

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class WorkerContext:
    """Folders, plugins, resources and the attempt's number, sent to a worker with each trial."""

    data: Path  # folder of the datasets
    checkpoints: Path  # folder of the suite's checkpoints, with a sub-folder for each trial
    threads: int  # processor threads
    plugins: tuple[Path, ...] = ()  # files that register what the trial needs
    fallback_plugins: tuple[Path, ...] = ()  # further plugins, loaded only when an unknown name is looked up
    plugin_texts: Mapping[Path, bytes] = field(default_factory=dict)  # content of plugins when the driver loaded them
    engine: str = ""  # digest of the driver's harness, compared with the worker's; "" skips the comparison
    gpu: bool = False  # whether a GPU was granted
    checkpoints_id: str = ""  # with `driver` and `attempt` the owner of the trial's checkpoints, see `checkpoint.Owner`
    driver: int = 0
    attempt: int = 1
    algorithms: Path | None = None  # folder of the autotune caches, one file a machine
    keep_model: bool = False  # whether the result includes the trained parameters
    checkpoint_seconds: float = 120.0  # longest time between two checkpoints
