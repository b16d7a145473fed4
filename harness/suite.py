"""A suite: what is to be trained and timed, on what, how. Read from YAML; unknown keys are errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from harness.claims import Claim
from harness.errors import UserError
from harness.explain import explain
from harness.protocol import Precision, Protocol, Schedule, Settings, TimingProtocol
from harness.registry import nearest
from harness.yamlfile import read_yaml

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(duration: str | float) -> float:
    """The seconds of a duration such as "90s", "20m", "1.5h" or "2d".

    Raises:
        ValueError: it is not a positive duration.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(duration))
    value = float(match[1]) * UNITS[match[2] or "s"] if match else 0.0
    if not 0 < value <= 366 * 86_400:
        raise ValueError(f"{duration!r} is not a duration; write for example 90s, 20m, 1.5h or 2d")
    return value


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise ValueError(f"{name!r} is not a name; use letters, digits, '.', '_' and '-', at most 64")
    return name


Name = Annotated[str, AfterValidator(_plain_name)]
Duration = Annotated[float, BeforeValidator(seconds)]


class Row(Settings):
    """A line of a table: a variant in one configuration."""

    variant: str = Field(description="the registered name of a variant")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of the variant")


class TrainedRow(Row):
    """A line of Table 2, with the protocol that trains it."""

    protocol: str = Field(description="a name under `protocols`")


class ErrorTable(Settings):
    """Table 2: test error of each row on each task, over seeds."""

    tasks: list[str] = Field(min_length=1, description="datasets to train and test on")
    seeds: list[Annotated[int, Field(ge=0, le=2**31)]] = Field(min_length=1, description="one trial each")
    train_images: int | None = Field(None, ge=1, description="how many training images; all if not given")
    test_images: int | None = Field(None, ge=1, description="how many images of each test set; all if not given")
    rows: list[TrainedRow] = Field(min_length=1)


class TimedRow(Row):
    """A line of Table 3, and what it is to be compared with."""

    reference: dict[str, Any] | None = Field(
        None, description="settings of the same variant that make its reference, which is timed as well"
    )


class TimeTable(TimingProtocol):
    """Table 3: seconds per training iteration of each row; the speed table of those with a reference."""

    learning_rate: float = Field(1e-3, gt=0, le=1, description="of the optimiser that is timed")
    baseline: Row | None = Field(None, description="the row that the others are compared with; else the first")
    rows: list[TimedRow] = Field(min_length=1)


class Resources(Settings):
    """What a training trial takes of the machine it runs on."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: a GPU where the cluster has one")
    threads: int = Field(1, ge=1, le=1024, description="processor threads of a trial without a GPU")
    gpus: float = Field(1.0, gt=0, le=1, description="the share of a GPU that a trial takes")
    memory_gb: float = Field(2.0, ge=0, le=4096, description="GiB of main memory that a trial reserves")


class ProtocolChange(Settings):
    """What a profile changes of every protocol."""

    batch_size: int | None = Field(None, ge=1, le=65_536)
    epochs: float | None = Field(None, gt=0, le=10_000)
    learning_rate: float | None = Field(None, gt=0, le=10)
    schedule: Schedule | None = None
    shift: int | None = Field(None, ge=0, le=8)


class TimingChange(Settings):
    """What a profile changes of the timing."""

    rounds: int | None = Field(None, ge=1, le=1000)
    iterations: int | None = Field(None, ge=2, le=100_000)
    with_data: int | None = Field(None, ge=1, le=100_000)
    warmup: int | None = Field(None, ge=0, le=10_000)
    window: int | None = Field(None, ge=1, le=1000)
    longest_warmup: int | None = Field(None, ge=0, le=100_000)
    threads: int | None = Field(None, ge=1, le=1024)


class Profile(Settings):
    """A named set of changes to the same rows and tasks; every result carries its name."""

    description: str = ""
    budget: Duration | None = Field(None, description="how long the whole suite may take")
    seeds: list[Annotated[int, Field(ge=0, le=2**31)]] | None = Field(None, min_length=1)
    config: dict[str, Any] = Field(default_factory=dict, description="settings of every row")
    precision: Precision | None = None
    protocol: ProtocolChange = Field(ProtocolChange(), description="changes of every protocol")
    protocols: dict[Name, ProtocolChange] = Field(default_factory=dict, description="further changes, by protocol")
    timing: TimingChange = TimingChange()
    test_images: int | None = Field(None, ge=1)
    resources: Resources | None = None


class Suite(Settings):
    """All that `run` needs to know."""

    name: Name = Field(description="names the experiment and the folder of the report")
    description: str = ""
    plugins: list[str] = Field(default_factory=list, description="Python files that register variants")
    published: list[str] = Field(default_factory=list, description="files of published numbers")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of every row; its own come first")
    precision: Precision = Field(
        "float32", description="tf32: products of a GPU in TensorFloat-32; bfloat16: forward passes under autocast"
    )
    resources: Resources = Resources()
    deadline: Duration | None = Field(None, description="how long one trial may take before it is stopped")
    keep_models: Literal["first", "all", "none"] = Field(
        "first", description="whose trained parameters are kept: those of the first seed, of all seeds, or none"
    )
    attempts: int = Field(3, ge=1, le=100, description="how often a trial is tried when its worker is lost")
    protocols: dict[Name, Protocol] = Field(default_factory=dict)
    table2: ErrorTable | None = Field(None, description="test errors")
    table3: TimeTable | None = Field(None, description="times per training iteration")
    claims: list[Claim] = Field(default_factory=list, description="what a paper says of these rows")
    profiles: dict[Name, Profile] = Field(default_factory=dict)

    def keeps_model(self, seed: int) -> bool:
        """Whether the models of a seed are kept."""
        first = self.table2.seeds[0] if self.table2 is not None else None
        return self.keep_models == "all" or (self.keep_models == "first" and seed == first)


class Chosen(Settings):
    """A suite with its profile applied, and where it was read."""

    suite: Suite
    profile: str | None
    budget: float | None  # seconds
    path: Path

    @property
    def folder(self) -> Path:
        """Where the suite's file is; its own paths are relative to it."""
        return self.path.resolve().parent

    def plugin_paths(self) -> list[Path]:
        """The plugins that the suite names, relative to its file."""
        return [self.folder / path for path in self.suite.plugins]


def load_suite(path: Path, profile: str | None = None, budget: str | None = None) -> Chosen:
    """Read a suite and apply a profile and a budget.

    Raises:
        UserError: what is wrong with the file, its keys, the profile or the budget.
    """
    document = read_yaml(path)
    try:
        suite = Suite.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, Suite)}.") from None
    _check_references(suite, path)
    limit = None
    suite = apply_config(suite, suite.config, override=False)
    if profile is not None:
        if profile not in suite.profiles:
            raise UserError(f"{path}: unknown profile '{profile}': {nearest(profile, suite.profiles)}.")
        limit = suite.profiles[profile].budget
        suite = apply_profile(suite, suite.profiles[profile])
    if budget is not None:
        try:
            limit = seconds(budget)
        except ValueError as error:
            raise UserError(f"--budget: {error}.") from None
    return Chosen(suite=suite, profile=profile, budget=limit, path=path)


def _check_references(suite: Suite, path: Path) -> None:
    if suite.table2 is None and suite.table3 is None:
        raise UserError(f"{path}: neither 'table2' nor 'table3' is there, so there is nothing to run; add one.")
    for number, row in enumerate(suite.table2.rows if suite.table2 else []):
        if row.protocol not in suite.protocols:
            raise UserError(
                f"{path}: table2.rows.{number}.protocol: unknown protocol '{row.protocol}': "
                f"{nearest(row.protocol, suite.protocols)}."
            )
    for name, profile in suite.profiles.items():
        _check_profile(name, profile, suite, path)


def _check_profile(name: str, profile: Profile, suite: Suite, path: Path) -> None:
    for changed in profile.protocols:
        if changed not in suite.protocols:
            raise UserError(
                f"{path}: profiles.{name}.protocols: unknown protocol '{changed}': {nearest(changed, suite.protocols)}."
            )


def apply_profile(suite: Suite, profile: Profile) -> Suite:
    """The suite with a profile's changes made to its rows, protocols, timing, seeds and resources."""
    protocols = {
        name: protocol.model_copy(update=_changes(profile.protocol) | _changes(profile.protocols.get(name)))
        for name, protocol in suite.protocols.items()
    }
    update: dict[str, Any] = {"protocols": protocols, "precision": profile.precision or suite.precision}
    if profile.resources is not None:
        update["resources"] = profile.resources
    if suite.table2 is not None:
        errors: dict[str, Any] = {"seeds": profile.seeds or suite.table2.seeds}
        if profile.test_images is not None:
            errors["test_images"] = profile.test_images
        update["table2"] = suite.table2.model_copy(update=errors)
    if suite.table3 is not None:
        times: dict[str, Any] = {key: value for key, value in profile.timing if value is not None}
        update["table3"] = suite.table3.model_copy(update=times)
    return apply_config(suite.model_copy(update=update), profile.config, override=True)


def apply_config(suite: Suite, config: dict[str, Any], *, override: bool) -> Suite:
    """The suite with settings given to every row, over or under the row's own."""

    def told(row: Row) -> Row:
        return row.model_copy(update={"config": {**row.config, **config} if override else {**config, **row.config}})

    update: dict[str, Any] = {}
    if suite.table2 is not None:
        update["table2"] = suite.table2.model_copy(update={"rows": [told(row) for row in suite.table2.rows]})
    if suite.table3 is not None:
        times: dict[str, Any] = {"rows": [told(row) for row in suite.table3.rows]}
        if suite.table3.baseline is not None:
            times["baseline"] = told(suite.table3.baseline)
        update["table3"] = suite.table3.model_copy(update=times)
    return suite.model_copy(update=update)


def _changes(change: ProtocolChange | None) -> dict[str, Any]:
    return {key: value for key, value in change if value is not None} if change is not None else {}
