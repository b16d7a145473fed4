"""What is to change of settings: the same fields with the same bounds, any of which may be left out."""

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

FIXED = {"task", "optimizer"}  # what every profile leaves as it is

S = TypeVar("S", bound=Settings)


class Change(Settings, Generic[S]):
    """What is to change of other settings: `Change[Protocol]` has the fields of `Protocol`, with their bounds.

    Only the fields that are given change. Null stands for a field's default, and is refused where there is none.
    """

    def __class_getitem__(cls, model: Any) -> Any:
        """The class of changes of a class of settings."""
        return _change_of(model)

    def of(self, settings: S, where: str) -> S:
        """The settings with the change made; they may be of a subclass, with further fields.

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
