"""The models. A file of this package that decorates a subclass of `Variant` with `@register("name")` adds a variant.

import variants
model = variants.build("lcapsnet", k=70, image_size=28)
"""

from typing import Any

from pydantic import ValidationError

from harness.registry import Registry, nearest
from variants.contract import Config, Output, Variant

VARIANTS: Registry[Variant] = Registry(
    "variant",
    Variant,
    package="variants",
    group="harness.variants",
    reserved=("sentinel",),  # the name of the harness's reference model in older records
)
register = VARIANTS.register


def configure(name: str, **settings: Any) -> Config:
    """The configuration of a variant, from checked settings.

    Raises:
        UserError: there is no such variant.
        ValueError: an unknown setting, or a value out of range, in one sentence.
    """
    schema = VARIANTS.get(name).Config
    try:
        return schema(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "config"
        if first["type"] == "extra_forbidden":
            raise ValueError(f"variant '{name}' has no setting '{key}': {nearest(key, schema.model_fields)}.") from None
        if first["type"] == "value_error":  # a check of several settings, whose message names them
            reason = first["msg"].removeprefix("Value error, ")
            raise ValueError(f"variant '{name}' cannot be built: {reason}.") from None
        raise ValueError(f"{key} of variant '{name}' is {first['input']!r}: {first['msg']}.") from None


def build(name: str, **settings: Any) -> Variant:
    """A freshly initialised variant, for example `build("capsnet", routing_iterations=3)`.

    Raises:
        UserError: there is no such variant.
        ValueError: an unknown setting, or a value out of range, in one sentence.
    """
    return VARIANTS.get(name)(configure(name, **settings))


__all__ = ["VARIANTS", "Config", "Output", "Variant", "build", "configure", "register"]
