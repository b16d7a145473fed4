"""What the command line adds to a suite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.suite import Chosen


@dataclass(frozen=True)
class Options:
    """Where a suite's results and data are, on what it runs, and which of its trials."""

    path: Path
    results: Path
    data: Path
    address: str  # of the record
    cluster: str | None = None
    only: str | None = None
    serial: bool = False
    plugins: tuple[Path, ...] = ()
    command: str = ""

    @property
    def checkpoints(self) -> Path:
        """The folder of all trials' checkpoints."""
        return self.results.resolve() / "checkpoints"


def with_plugins(chosen: Chosen, options: Options) -> Options:
    """The options with the suite's own plugins added."""
    return replace(options, plugins=(*chosen.plugin_paths(), *options.plugins))
