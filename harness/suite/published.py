"""Published numbers, which the tables show beside the measured ones."""

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
    """How a published model was trained; a setting that is left out or "not stated" is not compared."""

    batch_size: Annotated[int | None, Unstated] = Field(None, description="images per iteration")
    epochs: Annotated[float | None, Unstated] = Field(None, description="passes over the training images")
    learning_rate: Annotated[float | None, Unstated] = Field(None, description="of the first iteration")
    schedule: Annotated[Schedule | None, Unstated] = Field(None, description="decay of the learning rate")
    shift: Annotated[int | None, Unstated] = Field(None, description="random shift in pixels")
    stopped: str = Field("", description="when training was stopped before its end")

    def deviations(self, ours: Protocol) -> list[str]:
        """Return how a protocol differs from the published one, a text for each setting."""
        found = []
        for name, told in _SETTINGS.items():
            published, here = getattr(self, name), getattr(ours, name)
            if published is not None and told(published) != told(here):
                found.append(f"{name.replace('_', ' ')} {told(here)} instead of {told(published)}")
        return found + ([f"trained to the end instead of stopped {self.stopped}"] if self.stopped else [])


def decay(schedule: Schedule) -> str:
    """Describe a schedule of the learning rate."""
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

    variant: str = Field(description="the registered name of the variant")
    config: Wanted = Field(default_factory=dict, description="settings that a row must have")
    task: str = Field(description="the dataset")
    value: float = Field(description="the number, in the unit of its table")
    standard_error: float | None = Field(None, description="of the value")
    protocol: PublishedProtocol = Field(PublishedProtocol(), description="how the model was trained")
    differs: str = Field("", description="why this number is of another network than ours")


class PublishedTable(Settings):
    """The numbers of a published table and how they were measured."""

    unit: Literal["percent", "seconds"] = Field(description="percent for errors, seconds for times")
    where: str = Field(description="the place in the publication")
    setting: Wanted = Field(default_factory=dict, description="settings of every row of the paper")
    images: int | None = Field(None, description="test images")
    train_images: int | None = Field(None, description="training images")
    batch_size: int | None = Field(None, description="images per timed iteration")
    note: str = Field("", description="a remark for readers of the file")
    differs: str = Field("", description="why none of the numbers can be compared with ours")
    rows: list[Number] = Field(description="the numbers")

    def find(self, variant: str, config: dict[str, Any], task: str) -> Number | None:
        """Return the number of a configuration on a task, if there is one."""
        for number in self.rows:
            if number.variant == variant and number.task == task and has_settings(config, number.config):
                return number
        return None


class Published(Settings):
    """The tables of one publication."""

    source: str = Field(description="the publication")
    errors: PublishedTable | None = Field(None, description="test errors")
    times: PublishedTable | None = Field(None, description="times per training iteration")


def publications() -> dict[str, Path]:
    """Return the files of published numbers that come with the project, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def find_published(named: str, folder: Path) -> Path:
    """Return the file of published numbers that a suite names: by the name of one of the project's, or by a path.

    A path contains a slash or ends in .yaml or .yml; a name does not.

    Arguments:
        folder: the base of a relative path.

    Raises:
        UserError: the project has no published numbers of this name, or the path is not usable.
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
        UserError: a file can't be read or is not valid.
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
    """Return a configuration's number in the first publication that has one, and its table."""
    for publication in published:
        numbers: PublishedTable | None = getattr(publication, table)
        number = numbers.find(variant, config, task) if numbers is not None else None
        if number is not None and numbers is not None:
            return number, numbers
    return None
