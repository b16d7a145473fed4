"""Partial settings: the fields and bounds of a class of settings, each of which may be left out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from harness.errors import UserError
from harness.suite.explain import explain
from harness.suite.fields import not_null
from harness.suite.protocol import Settings

FIXED = {"task", "optimizer"}  # fields that no profile changes

S = TypeVar("S", bound=Settings)


class Change(Settings, Generic[S]):
    """A change of settings: `Change[Protocol]` has the fields of `Protocol` with their bounds, all optional.

    A field that is given replaces the old value; null resets it to its default, and is refused where there is none.
    """

    def __class_getitem__(cls, model: Any) -> Any:
        """Return the class of changes for a class of settings."""
        return _change_of(model)

    def of(self, settings: S, where: str) -> S:
        """Apply the change to settings, which may be of a subclass with further fields.

        Arguments:
            where: the change's key in the suite, for messages.

        Raises:
            UserError: the result is not valid.
        """
        patch = self.model_dump(exclude_unset=True)
        try:
            return type(settings).model_validate(_merged(settings.model_dump(), patch))
        except ValidationError as error:
            raise UserError(f"{explain(error, type(settings), f'{where}.')}.") from None


@cache
def _change_of(model: type[Settings]) -> type[Change[Any]]:
    fields = {name: _optional(field) for name, field in model.model_fields.items() if name not in FIXED}
    return create_model(f"{model.__name__}Change", __base__=Change, __doc__=f"A change of {model.__name__}.", **fields)


def _optional(field: FieldInfo) -> Any:
    """Return an optional field with the bounds and the description of a model's field, as `create_model` takes it."""
    kind: Any = field.annotation
    if isinstance(kind, type) and issubclass(kind, Settings):
        kind = Change[kind]
    rules = [*field.metadata, AfterValidator(not_null)] if field.is_required() else field.metadata
    return Annotated[(kind | None, Field(description=field.description), *rules)], None


def _merged(settings: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a patch into settings as RFC 7396 says: null removes a field, which then has its default."""
    merged = dict(settings)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(settings[name], value) if isinstance(value, Mapping) else value
    return merged
