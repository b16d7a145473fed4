"""A profile: what it changes of a suite. Only what it names changes; null goes back to the default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from harness.suite.fields import Duration, Name, NotNull, Seeds, mirrored
from harness.suite.protocol import Precision, Protocol, Settings

S = TypeVar("S", bound=Settings)


class Change(Settings):
    """What is to change of other settings: the fields that are given; null stands for a field's default."""

    def of(self, settings: S) -> S:
        """The settings with the change made."""
        update: dict[str, Any] = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if isinstance(value, Change):
                value = value.of(getattr(settings, name))
            elif value is None:
                value = type(settings).model_fields[name].get_default(call_default_factory=True)
            update[name] = value
        return settings.model_copy(update=update)


class ScheduleChange(Change):
    """What a profile changes of a learning rate's schedule."""

    factor: float | None = Field(None, gt=0, le=1)
    every: int | None = Field(None, ge=1, le=10**9)
    staircase: bool | None = None
    floor: float | None = Field(None, ge=0, le=1)


class ProtocolChange(Change):
    """What a profile changes of every protocol."""

    batch_size: NotNull[int] = Field(None, ge=1, le=65_536)
    epochs: NotNull[float] = Field(None, gt=0, le=10_000)
    learning_rate: NotNull[float] = Field(None, gt=0, le=10)
    schedule: ScheduleChange | None = None
    shift: int | None = Field(None, ge=0, le=8)
    source: str | None = Field(None, description="where the changed settings come from")


class TimingChange(Change):
    """What a profile changes of the timing."""

    rounds: int | None = Field(None, ge=1, le=1000)
    iterations: int | None = Field(None, ge=2, le=100_000)
    with_data: int | None = Field(None, ge=1, le=100_000)
    warmup: int | None = Field(None, ge=0, le=10_000)
    window: int | None = Field(None, ge=1, le=1000)
    longest_warmup: int | None = Field(None, ge=0, le=100_000)
    threads: int | None = Field(None, ge=1, le=1024)
    sentinel: int | None = Field(None, ge=0, le=1000)

    _rounds = field_validator("rounds")(mirrored)


class ResourcesChange(Change):
    """What a profile changes of the resources."""

    device: Literal["auto", "cpu", "gpu"] | None = None
    threads: int | None = Field(None, ge=1, le=1024)
    gpus: float | None = Field(None, gt=0, le=1)
    memory_gb: float | None = Field(None, ge=0, le=4096)


class Profile(Settings):
    """A named set of changes to the same rows and tasks; every result carries its name."""

    description: str = ""
    budget: Duration | None = Field(None, description="how long the whole suite may take")
    fraction: float | None = Field(None, gt=0, le=1, description="the share of every protocol that is run; null: all")
    seeds: NotNull[Seeds] = Field(None, description="of all rows, on all tasks or by task")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of all rows that have them")
    precision: Precision | None = None
    protocol: ProtocolChange = Field(ProtocolChange(), description="changes of every protocol")
    protocols: dict[Name, ProtocolChange] = Field(default_factory=dict, description="further changes, by protocol")
    timing: TimingChange = TimingChange()
    train_images: int | None = Field(None, ge=1, description="null: all")
    test_images: int | None = Field(None, ge=1, description="null: all")
    resources: ResourcesChange | None = Field(None, description="null: the default ones")

    @model_validator(mode="after")
    def _has_one_extent(self) -> Profile:
        if self.budget is not None and self.fraction is not None:
            raise ValueError("'budget' and 'fraction' exclude one another; remove one of them")
        return self


def changed_protocol(protocol: Protocol, changes: list[ProtocolChange], profile: str) -> Protocol:
    """A protocol with a profile's changes, whose source says what was changed after it."""
    known = protocol  # what the source speaks of
    for change in changes:
        protocol = change.of(protocol)
        if change.source is not None:
            known = protocol
    told = ", ".join(f"{name} {value}" for name, value in _differences(known, protocol))
    if not told or not known.source:
        return protocol
    return protocol.model_copy(
        update={"source": f"{known.source.rstrip('. ')}; changed by the profile {profile}: {told}."}
    )


def _differences(before: Settings, after: Settings) -> Iterator[tuple[str, str]]:
    """The settings that differ, and what they have become."""
    for name, value in after:
        if isinstance(value, Settings):
            yield from ((f"{name} {inner}", text) for inner, text in _differences(getattr(before, name), value))
        elif value != getattr(before, name):
            yield name, f"{value:g}" if isinstance(value, float) else str(value).lower()
