"""Published numbers, read from files, to stand beside the measured ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from harness.errors import UserError
from harness.paths import usable
from harness.registry import nearest
from harness.suite.explain import explain
from harness.suite.matching import Wanted, has_settings
from harness.suite.protocol import Protocol, Schedule, Settings
from harness.suite.yamlfile import read_yaml

FOLDER = Path(__file__).parents[2] / "results" / "published"  # of a checkout; an installed package has none


def _unstated(value: Any) -> Any:
    return None if value == NOT_STATED else value


NOT_STATED = "not stated"
Unstated = BeforeValidator(_unstated)


class PublishedProtocol(Settings):
    """How a published model was trained; what is left out, or "not stated", is compared with nothing."""

    batch_size: Annotated[int | None, Unstated] = None
    epochs: Annotated[float | None, Unstated] = None
    learning_rate: Annotated[float | None, Unstated] = None
    schedule: Annotated[Schedule | None, Unstated] = None
    shift: Annotated[int | None, Unstated] = None
    stopped: str = Field("", description="when training was stopped before its end")

    def deviations(self, ours: Protocol) -> list[str]:
        """What sets a protocol apart from the published one, a text for each setting."""
        found = []
        for name, told in _SETTINGS.items():
            published, here = getattr(self, name), getattr(ours, name)
            if published is not None and told(published) != told(here):
                found.append(f"{name.replace('_', ' ')} {told(here)} instead of {told(published)}")
        return found + ([f"trained to the end instead of stopped {self.stopped}"] if self.stopped else [])


def decay(schedule: Schedule) -> str:
    """A schedule of the learning rate in words."""
    if schedule.factor == 1:
        return "constant"
    steps = " in steps" if schedule.staircase else ""
    floor = f", not below {schedule.floor:g}" if schedule.floor else ""
    return f"times {schedule.factor:g} every {schedule.every:,} iterations of the whole{steps}{floor}"


_SETTINGS: dict[str, Callable[[Any], str]] = {
    "batch_size": str,
    "epochs": "{:g}".format,
    "learning_rate": "{:g}".format,
    "schedule": decay,
    "shift": str,
}


class Number(Settings):
    """One published number."""

    variant: str
    config: Wanted = Field(default_factory=dict, description="settings that a row must have")
    task: str
    value: float
    standard_error: float | None = None
    protocol: PublishedProtocol = Field(PublishedProtocol(), description="how the model was trained")
    differs: str = Field("", description="why this number is one of another network than ours")


class PublishedTable(Settings):
    """The numbers of a table and what they were measured with."""

    unit: Literal["percent", "seconds"]
    where: str
    setting: Wanted = Field(default_factory=dict, description="settings of every row of the paper")
    images: int | None = Field(None, description="test images")
    train_images: int | None = Field(None, description="training images")
    batch_size: int | None = None
    note: str = ""
    differs: str = Field("", description="why none of the numbers can be compared with ours")
    rows: list[Number]

    def find(self, variant: str, config: dict[str, Any], task: str) -> Number | None:
        """The number of a configuration, if there is one."""
        for number in self.rows:
            if number.variant == variant and number.task == task and has_settings(config, number.config):
                return number
        return None


class Published(Settings):
    """The tables of one publication."""

    source: str
    errors: PublishedTable | None = None
    times: PublishedTable | None = None


def publications() -> dict[str, Path]:
    """The files of published numbers that come with the project, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def find_published(named: str, folder: Path) -> Path:
    """The file of published numbers that a suite names: by its name, if it comes with the project, else by its path.

    A path has a slash or ends in .yaml or .yml; a name does neither.

    Arguments:
        folder: what a relative path is relative to.

    Raises:
        UserError: no numbers of such a name come with the project, or the path can't be one.
    """
    if "/" in named or named.endswith((".yaml", ".yml")):
        return folder / usable(named)
    known = publications()
    if named not in known:
        raise UserError(
            f"unknown published numbers '{named}': {nearest(named, known)}; or name a file by its path, which has a "
            f"slash or ends in .yaml."
        )
    return known[named]


def load_published(paths: Iterable[Path]) -> list[Published]:
    """Read files of published numbers.

    Raises:
        UserError: what is wrong with one of them.
    """
    found = []
    for path in paths:
        try:
            found.append(Published.model_validate(read_yaml(path)))
        except ValidationError as error:
            raise UserError(f"{path}: {explain(error, Published)}.") from None
    return found


def look_up(
    published: list[Published],
    table: Literal["errors", "times"],
    variant: str,
    config: dict[str, Any],
    task: str,
) -> tuple[Number, PublishedTable] | None:
    """The first publication's number for a configuration."""
    for publication in published:
        numbers: PublishedTable | None = getattr(publication, table)
        number = numbers.find(variant, config, task) if numbers is not None else None
        if number is not None and numbers is not None:
            return number, numbers
    return None
