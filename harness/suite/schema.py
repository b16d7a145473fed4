"""The schema of a suite's file: what to train and time, on which tasks, by which protocol. Unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from harness.suite.claims import Claim
from harness.suite.fields import Duration, Name, Seeds, distinct, mirrored, seeds_on
from harness.suite.profile import Profile
from harness.suite.protocol import ERROR_TITLE, TIME_TITLE, Precision, Protocol, Settings, TimingProtocol
from harness.suite.resources import Resources

TAKEN = {"default"}  # names in lower case


def _free_name(name: str) -> str:
    if name.lower() in TAKEN:
        raise ValueError(f"{name!r} is a name that MLflow uses itself; choose another one")
    return name


def _profile_name(name: str) -> str:
    if name == "none":
        raise ValueError("'none' is what a run without a profile is called in the record; choose another name")
    return name


SuiteName = Annotated[Name, AfterValidator(_free_name)]
ProfileName = Annotated[Name, AfterValidator(_profile_name)]


class Row(Settings):
    """A line of a table: a variant in one configuration."""

    variant: str = Field(description="the registered name of a variant")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of the variant")


class TrainedRow(Row):
    """A line of the table of errors, with the protocol that trains it."""

    protocol: str = Field(description="a name under `protocols`")
    seeds: Seeds | None = Field(None, description="instead of the table's, on all tasks or on those that are named")


class ErrorTable(Settings):
    """Test error of each row on each task, over seeds."""

    title: str = Field(ERROR_TITLE, min_length=1, description="of the table in the report")
    tasks: Annotated[list[str], AfterValidator(distinct)] = Field(
        min_length=1, description="datasets to train and test on"
    )
    seeds: Seeds = Field(description="one trial each, of every row on all tasks or by task")
    train_images: int | None = Field(None, ge=1, description="training images at most, drawn by class; default: all")
    test_images: int | None = Field(None, ge=1, description="images of each test at most, drawn by class; default: all")
    rows: list[TrainedRow] = Field(min_length=1, max_length=1000, description="what is trained")

    def seeds_of(self, row: TrainedRow, task: str) -> list[int]:
        """Return the seeds of a row on a task: its own, else the table's."""
        return seeds_on(task, row.seeds) or seeds_on(task, self.seeds) or []


class TimedRow(Row):
    """A line of the table of times, and the reference that it is compared with."""

    reference: dict[str, Any] | None = Field(
        None, description="settings of the same variant that make its reference, which is timed as well"
    )


class TimeTable(TimingProtocol):
    """Seconds per training iteration of each row, and speed-ups of rows over their references."""

    title: str = Field(TIME_TITLE, min_length=1, description="of the table in the report")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="of the optimiser that is timed")
    baseline: Row | None = Field(None, description="the row that the others are compared with; else the first")
    rows: list[TimedRow] = Field(min_length=1, max_length=1000, description="what is timed")

    _rounds = field_validator("rounds")(mirrored)  # here, since plans of earlier versions have odd numbers

    @property
    def protocol(self) -> TimingProtocol:
        """The protocol by which each row is timed, without the table's other fields."""
        return TimingProtocol.model_validate(self.model_dump(include=set(TimingProtocol.model_fields)))


class Suite(Settings):
    """A suite's file."""

    name: SuiteName = Field(description="names the experiment and the folder of the report")
    description: str = Field("", description="what the suite is for")
    plugins: list[str] = Field(default_factory=list, description="Python files that register variants")
    published: list[str] = Field(
        default_factory=list, description="published numbers: names of those of the project, or paths of files"
    )
    config: dict[str, Any] = Field(
        default_factory=dict, description="settings of all rows that have them; a row's own come first"
    )
    precision: Precision = Field(
        "float32", description="tf32: products of a GPU in TensorFloat-32; bfloat16: forward passes under autocast"
    )
    resources: Resources = Field(Resources(), description="what a training trial takes of its machine")
    fraction: float | None = Field(
        None, gt=0, le=1, description="the share of every protocol that is run; default: all"
    )
    deadline: Duration | None = Field(None, description="how long one attempt at a trial may take before it is stopped")
    keep_models: Literal["first", "all", "none"] = Field(
        "first", description="whose trained parameters are kept: those of each row's first seed, of all, or none"
    )
    attempts: int = Field(
        3, ge=1, le=100, description="how many attempts in a row may be lost without resuming from a later checkpoint"
    )
    protocols: dict[Name, Protocol] = Field(
        default_factory=dict, max_length=1000, description="how rows are trained, by name"
    )
    errors: ErrorTable | None = Field(None, description="test errors")
    times: TimeTable | None = Field(None, description="times per training iteration")
    claims: list[Claim] = Field(default_factory=list, max_length=1000, description="what a paper says of these rows")
    families: dict[Name, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict, max_length=100, description="claims that are corrected together: what each family holds"
    )
    profiles: dict[ProfileName, Profile] = Field(
        default_factory=dict, max_length=100, description="changes of the suite, by name"
    )

    def keeps_model(self, row: int, task: str, seed: int) -> bool:
        """Whether the model of a row of the table of errors on a task is kept, for a seed."""
        if self.errors is None or self.keep_models != "first":
            return self.keep_models == "all"
        return seed == self.errors.seeds_of(self.errors.rows[row], task)[0]
