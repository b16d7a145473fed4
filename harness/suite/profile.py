"""A profile: what it changes of a suite. Only what it names changes; null goes back to the default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, Field, ValidationError, create_model, model_validator
from pydantic.fields import FieldInfo

from harness.errors import UserError
from harness.suite.explain import explain
from harness.suite.fields import Duration, Name, NotNull, Seeds, not_null
from harness.suite.protocol import Precision, Protocol, Settings, TimingProtocol
from harness.suite.resources import Resources

FIXED = {"task", "optimizer"}  # what every profile leaves as it is

S = TypeVar("S", bound=Settings)
T = TypeVar("T", bound=Settings)


class Change(Settings, Generic[S]):
    """What is to change of other settings: `Change[Protocol]` has the fields of `Protocol`, with their bounds.

    Only the fields that are given change. Null stands for a field's default, and is refused where there is none.
    """

    def __class_getitem__(cls, model: Any) -> Any:
        """The class of changes of a class of settings."""
        return _change_of(model)

    def of(self, settings: T, where: str) -> T:
        """The settings with the change made; they may have further fields.

        Arguments:
            where: the change's key in the suite, for messages.

        Raises:
            UserError: what comes of it does not fit together.
        """
        patch = self.model_dump(exclude_unset=True)
        try:
            return type(settings).model_validate(_merged(settings.model_dump(), patch))
        except ValidationError as error:
            raise UserError(f"{explain(error, type(settings), f'{where}.')}.") from None


@cache
def _change_of(model: type[Settings]) -> type[Change[Any]]:
    fields = {name: _optional(field) for name, field in model.model_fields.items() if name not in FIXED}
    return create_model(
        f"{model.__name__}Change", __base__=Change, __doc__=f"What changes of {model.__name__}.", **fields
    )


def _optional(field: FieldInfo) -> Any:
    """A field that may be left out or null, with the bounds and the description of a model's field, for pydantic."""
    kind: Any = field.annotation
    if isinstance(kind, type) and issubclass(kind, Settings):
        kind = Change[kind]
    rules = [*field.metadata, AfterValidator(not_null)] if field.is_required() else field.metadata
    return Annotated[(kind | None, Field(description=field.description), *rules)], None


def _merged(settings: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under a patch, as RFC 7396 merges documents: a null takes a field out, so that its default counts."""
    merged = dict(settings)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(settings[name], value) if isinstance(value, Mapping) else value
    return merged


class Profile(Settings):
    """A named set of changes to the same rows and tasks; every result carries its name."""

    description: str = ""
    budget: Duration | None = Field(None, description="how long the whole suite may take")
    fraction: float | None = Field(None, gt=0, le=1, description="the share of every protocol that is run; null: all")
    seeds: NotNull[Seeds] = Field(None, description="of all rows, on all tasks or by task")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of all rows that have them")
    precision: Precision | None = None
    protocol: Change[Protocol] = Field(Change[Protocol](), description="changes of every protocol")
    protocols: dict[Name, Change[Protocol]] = Field(default_factory=dict, description="further changes, by protocol")
    timing: Change[TimingProtocol] = Change[TimingProtocol]()
    train_images: int | None = Field(None, ge=1, description="null: all")
    test_images: int | None = Field(None, ge=1, description="null: all")
    resources: Change[Resources] | None = Field(None, description="null: the default ones")

    @model_validator(mode="after")
    def _has_one_extent(self) -> Profile:
        if self.budget is not None and self.fraction is not None:
            raise ValueError("'budget' and 'fraction' exclude one another; remove one of them")
        return self

    def protocol_of(self, key: str, protocol: Protocol, name: str) -> Protocol:
        """A protocol under this profile; its source says what was changed of what it speaks of.

        Arguments:
            key: of the protocol.
            name: of the profile.

        Raises:
            UserError: what a change leaves does not fit together.
        """
        changes = {f"profiles.{name}.protocol": self.protocol}
        if key in self.protocols:
            changes[f"profiles.{name}.protocols.{key}"] = self.protocols[key]
        known = protocol  # what the source speaks of
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
    """The settings that differ, and what they have become."""
    for name, value in after:
        if isinstance(value, Settings):
            yield from ((f"{name} {inner}", text) for inner, text in _differences(getattr(before, name), value))
        elif value != getattr(before, name):
            yield name, f"{value:g}" if isinstance(value, float) else str(value).lower()
