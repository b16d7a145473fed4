"""The options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.errors import UserError
from harness.paths import usable


def _usable(value: Any) -> Any:
    """Expand `~` in the paths of an option, which typer does not do.

    Raises:
        UserError: a path is not possible in the file system.
    """
    if isinstance(value, list):
        return [_usable(each) for each in value]
    return usable(value) if isinstance(value, Path) else value


def within(low: int, high: int) -> Callable[[typer.CallbackParam, float | None], float | None]:
    """Make a callback that refuses a number outside a range; the message of typer's `min` and `max` has one bound only.

    Raises:
        UserError: the number is below `low` or above `high`, or is none.
    """

    def check(option: typer.CallbackParam, value: float | None) -> float | None:
        if value is not None and not low <= value <= high:
            raise UserError(f"{option.opts[0]} is {value}; allowed: {low} to {high}.")
        return value

    return check


SuitePath = Annotated[Path, typer.Argument(metavar="SUITE", help="A suite's YAML file.", callback=_usable)]
ProfileName = Annotated[str | None, typer.Option(metavar="NAME", help="A profile of the suite.")]
Budget = Annotated[str | None, typer.Option(metavar="TIME", help="Fit the suite into this time: 20m, 2h.")]
Fraction = Annotated[float | None, typer.Option(metavar="SHARE", help="Run this share of every protocol: 0.05.")]
DataDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Where datasets are kept.", callback=_usable)]
TrackingUri = Annotated[str | None, typer.Option(metavar="URI", help="An MLflow server, or sqlite:///FILE.")]
Results = Annotated[Path, typer.Option(metavar="DIR", help="Where the record and the reports go.", callback=_usable)]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Registers variants, datasets, analyses.", callback=_usable),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
RESULTS = Path("results")
