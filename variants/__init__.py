"""The models. A file of this package that decorates a class with `@register("name")` adds a variant.

import variants
model = variants.build("lcapsnet", k=70, image_size=28)
"""

from typing import Any

from pydantic import ValidationError

from harness.errors import UserError
from harness.plan.trial import SENTINEL
from harness.registry import Registry, nearest
from variants.contract import Config, Output, Variant

VARIANTS: Registry[Variant] = Registry(
    "variant", Variant, package="variants", group="harness.variants", reserved=(SENTINEL,)
)
register = VARIANTS.register


def configure(name: str, **settings: Any) -> Config:
    """The checked configuration of a variant.

    Raises:
        UserError: an unknown variant or setting, or a value out of range.
    """
    schema = VARIANTS.get(name).Config
    try:
        return schema(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "config"
        if first["type"] == "extra_forbidden":
            raise UserError(f"variant '{name}' has no setting '{key}': {nearest(key, schema.model_fields)}.") from None
        if first["type"] == "value_error":  # a check across settings; its own sentence says which
            reason = first["msg"].removeprefix("Value error, ")
            raise UserError(f"variant '{name}' cannot be built: {reason}.") from None
        raise UserError(f"{key} of variant '{name}' is {first['input']!r}: {first['msg']}.") from None


def build(name: str, **settings: Any) -> Variant:
    """A freshly initialised variant, for example `build("capsnet", routing_iterations=3)`.

    Raises:
        UserError: an unknown variant or setting, or a value out of range.
    """
    return VARIANTS.get(name)(configure(name, **settings))


__all__ = ["VARIANTS", "Config", "Output", "Variant", "build", "configure", "register"]
