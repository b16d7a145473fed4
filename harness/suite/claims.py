"""What a paper claims, as a suite lists it: statements, each with what must be measured for it to hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.suite.fields import Name
from harness.suite.matching import Wanted
from harness.suite.protocol import Settings


class Rows(Settings):
    """The rows of a table that have a variant and, of its settings, those named."""

    variant: str = Field(description="the registered name of a variant")
    config: Wanted = Field(default_factory=dict, description="settings that the rows must have")


class _Claim(Settings):
    sentence: str = Field(min_length=1, description="what is claimed, in quotation marks if quoted word for word")
    where: str = Field("", description="where it stands")
    family: Name | None = Field(None, description="a name under `families`: claims that are corrected together")


class LowerError(_Claim):
    """The error of some rows is below that of others, on a task."""

    kind: Literal["lower_error"]
    of: Rows
    than: Rows
    task: str
    by: float = Field(0.0, ge=0, le=100, description="at least so many percentage points")


class LowerMeanError(_Claim):
    """The mean error of some rows is below the mean error of others, on a task."""

    kind: Literal["lower_mean_error"]
    of: Rows
    than: Rows
    task: str
    by: float = Field(0.0, ge=0, le=100, description="at least so many percentage points")
    each: bool = Field(
        False, description="whether each row alone is asked as well, once the difference of the means is shown"
    )


class LowestError(_Claim):
    """Of several rows, one has the lowest error on a task."""

    kind: Literal["lowest_error"]
    of: Rows
    among: Rows
    task: str


class ErrorValue(_Claim):
    """A row's error on a task is a number, give or take something."""

    kind: Literal["error_value"]
    of: Rows
    task: str
    percent: float = Field(ge=0, le=100)
    within: float = Field(gt=0, le=100, description="percentage points")


class TimeRatio(_Claim):
    """A training iteration of some rows takes so many times as long as that of others."""

    kind: Literal["time_ratio"]
    of: Rows
    to: Rows
    at_most: float | None = Field(None, gt=0, le=1e6)
    at_least: float | None = Field(None, gt=0, le=1e6)

    @model_validator(mode="after")
    def _has_a_bound(self) -> TimeRatio:
        if self.at_most is None and self.at_least is None:
            raise ValueError("write 'at_most', 'at_least' or both")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(f"'at_least' is {self.at_least:g}, above 'at_most', {self.at_most:g}; exchange them")
        return self

    @property
    def bounds(self) -> list[float]:
        """Those that are given."""
        return [bound for bound in (self.at_least, self.at_most) if bound is not None]


class ClearerSeparation(_Claim):
    """In some rows' models active and inactive capsules are set apart more clearly than in others'."""

    kind: Literal["clearer_separation"]
    of: Rows
    than: Rows
    task: str


class CouplingFollowsActivity(_Claim):
    """In some rows' models more active capsules are coupled more strongly to the capsule of their class."""

    kind: Literal["coupling_follows_activity"]
    of: Rows
    task: str


Claim = Annotated[
    LowerError | LowerMeanError | LowestError | ErrorValue | TimeRatio | ClearerSeparation | CouplingFollowsActivity,
    Field(discriminator="kind"),
]
