"""A profile: changes of a suite. Fields that it does not name stay; null resets one to its default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator

from harness.suite.change import Change
from harness.suite.fields import Duration, Name, NotNull, Seeds
from harness.suite.protocol import Precision, Protocol, Settings, TimingProtocol
from harness.suite.resources import Resources


class Profile(Settings):
    """A named set of changes to the same rows and tasks; every result carries its name."""

    description: str = Field("", description="what the profile is for")
    budget: Duration | None = Field(None, description="how long the whole suite may take")
    fraction: float | None = Field(None, gt=0, le=1, description="the share of every protocol that is run; null: all")
    seeds: NotNull[Seeds] = Field(None, description="of all rows, on all tasks or by task")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of all rows that have them")
    precision: Precision | None = Field(None, description="instead of the suite's")
    protocol: Change[Protocol] = Field(Change[Protocol](), description="changes of every protocol")
    protocols: dict[Name, Change[Protocol]] = Field(default_factory=dict, description="further changes, by protocol")
    timing: Change[TimingProtocol] = Field(Change[TimingProtocol](), description="changes of the timing")
    train_images: int | None = Field(None, ge=1, description="of the table of errors; null: all")
    test_images: int | None = Field(None, ge=1, description="of the table of errors; null: all")
    resources: Change[Resources] | None = Field(None, description="changes of the resources; null: the default ones")

    @model_validator(mode="after")
    def _has_one_extent(self) -> Profile:
        if self.budget is not None and self.fraction is not None:
            raise ValueError("'budget' and 'fraction' exclude one another; remove one of them")
        return self

    def protocol_of(self, key: str, protocol: Protocol, name: str) -> Protocol:
        """Apply the profile to a protocol, and say in its source which of the settings differ from it.

        Arguments:
            key: the name of the protocol.
            name: the name of the profile.

        Raises:
            UserError: the result is not valid.
        """
        changes = {f"profiles.{name}.protocol": self.protocol}
        if key in self.protocols:
            changes[f"profiles.{name}.protocols.{key}"] = self.protocols[key]
        known = protocol  # the settings that the source describes
        for where, change in changes.items():
            protocol = change.of(protocol, where)
            if "source" in change.model_fields_set:
                known = protocol
        told = ", ".join(f"{setting} {value}" for setting, value in _differences(known, protocol))
        if not told or not known.source:
            return protocol
        source = f"{known.source.rstrip('. ')}; changed by the profile {name}: {told}."
        return protocol.model_copy(update={"source": source})


def _differences(before: Settings, after: Settings) -> Iterator[tuple[str, str]]:
    """Yield the names of the settings that differ, with their new values as text."""
    for name, value in after:
        if isinstance(value, Settings):
            yield from ((f"{name} {inner}", text) for inner, text in _differences(getattr(before, name), value))
        elif value != getattr(before, name):
            yield name, f"{value:g}" if isinstance(value, float) else str(value).lower()
