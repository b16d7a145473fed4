"""Claims of a paper, as a suite lists them: statements, each with the measurement that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, model_serializer, model_validator

from harness.suite.fields import Name
from harness.suite.matching import Wanted, has_settings
from harness.suite.protocol import Settings


class RowSelector(Settings):
    """Selects the rows of a table that have a variant and, of its settings, those named."""

    variant: str = Field(description="the registered name of a variant")
    config: Wanted = Field(default_factory=dict, description="settings that the rows must have")

    def selects(self, variant: str, config: Mapping[str, Any]) -> bool:
        """Whether a row of this variant in this configuration is selected."""
        return variant == self.variant and has_settings(config, self.config)


class BaseClaim(Settings):
    """The fields of every claim."""

    sentence: str = Field(min_length=1, description="what is claimed, in quotation marks if quoted word for word")
    where: str = Field("", description="the place in the paper")
    family: Name | None = Field(None, description="a name under `families`: claims that are corrected together")

    @property
    def selectors(self) -> list[RowSelector]:
        """All selectors of rows that it has."""
        return [value for _, value in self if isinstance(value, RowSelector)]


class LowerError(BaseClaim):
    """The error of some rows is below that of others, on a task."""

    kind: Literal["lower_error"]
    of: RowSelector
    than: RowSelector
    task: str
    by: float = Field(0.0, ge=0, le=100, description="at least so many percentage points")


class LowerMeanError(BaseClaim):
    """The mean error of some rows is below the mean error of others, on a task."""

    kind: Literal["lower_mean_error"]
    of: RowSelector
    than: RowSelector
    task: str
    by: float = Field(0.0, ge=0, le=100, description="at least so many percentage points")
    each: bool = Field(
        False, description="whether each row alone is asked as well, once the difference of the means is shown"
    )


class LowestError(BaseClaim):
    """Of several rows, one has the lowest error on a task."""

    kind: Literal["lowest_error"]
    of: RowSelector
    among: RowSelector
    task: str


class ErrorValue(BaseClaim):
    """A row's error on a task is a given number, within a tolerance."""

    kind: Literal["error_value"]
    of: RowSelector
    task: str
    percent: float = Field(ge=0, le=100)
    within: float = Field(gt=0, le=100, description="percentage points")


class PublishedValues(BaseClaim):
    """The error of each row that has a published number is that number, within a tolerance: one claim per row."""

    kind: Literal["published_values"]
    sentence: str = Field("the published value of each row", min_length=1)
    within: dict[str, Annotated[float, Field(gt=0, le=100)]] = Field(
        min_length=1, description="percentage points, by task"
    )


class TimeRatio(BaseClaim):
    """The ratio of the times per training iteration of some rows to those of others is within bounds."""

    kind: Literal["time_ratio"]
    of: RowSelector
    to: RowSelector
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
        """The bounds that are given."""
        return [bound for bound in (self.at_least, self.at_most) if bound is not None]


class ModelClaim(BaseClaim):
    """A claim about the models of some rows on a task, which an analysis judges; each kind is a subclass."""

    of: RowSelector
    task: str


class OtherClaim(BaseClaim):
    """A claim whose kind belongs to an analysis, as it was written; `harness.analysis.claims` validates it."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict, description="what its kind asks for")

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        own = {name: value for name, value in told.items() if name in cls.model_fields and name != "settings"}
        return {**own, "settings": {name: value for name, value in told.items() if name not in own}}

    @model_serializer
    def _written(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "settings"}
        return {**own, **self.settings}


CORE = (LowerError, LowerMeanError, LowestError, ErrorValue, PublishedValues, TimeRatio)
KINDS = {get_args(model.model_fields["kind"].annotation)[0]: model for model in CORE}
TAG = "[kind]"  # of all others, in pydantic's messages


def _tag(told: Any) -> str | None:
    kind = told.get("kind") if isinstance(told, dict) else getattr(told, "kind", None)
    return kind if isinstance(kind, str) and kind in KINDS else TAG


Claim = Annotated[
    Annotated[LowerError, Tag("lower_error")]
    | Annotated[LowerMeanError, Tag("lower_mean_error")]
    | Annotated[LowestError, Tag("lowest_error")]
    | Annotated[ErrorValue, Tag("error_value")]
    | Annotated[PublishedValues, Tag("published_values")]
    | Annotated[TimeRatio, Tag("time_ratio")]
    | Annotated[OtherClaim, Tag(TAG)],
    Discriminator(_tag),
]
