"""What the command line adds to a suite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.suite.load import ResolvedSuite


@dataclass(frozen=True)
class Options:
    """The options of a run: where results and data are, on what cluster, and which trials."""

    results: Path
    data: Path
    tracking_uri: str  # of the record
    cluster: str | None = None
    only: str | None = None
    serial: bool = False
    plugins: tuple[Path, ...] = ()
    command: str = ""

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints of all suites."""
        return self.results.resolve() / "checkpoints"

    @property
    def algorithms(self) -> Path:
        """The folder of the autotune cache: the algorithms chosen on each machine."""
        return self.results.resolve() / "algorithms"

    def checkpoints_of(self, suite: str) -> Path:
        """Return the folder of the checkpoints of a suite, with a folder for each trial."""
        return self.checkpoints / suite


def with_plugins(resolved: ResolvedSuite, options: Options) -> Options:
    """Return the options with the suite's own plugins added."""
    return replace(options, plugins=(*resolved.plugin_paths(), *options.plugins))
