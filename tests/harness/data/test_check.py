"""The limits of datasets; how a mistake in one is told is tested in `test_tasks`."""

from harness.data import check
from variants.contract import Config


def test_limits_are_those_of_every_variant() -> None:
    def bound(field: str, kind: str) -> object:
        return next(getattr(m, kind) for m in Config.model_fields[field].metadata if hasattr(m, kind))

    assert bound("image_size", "le") == check.LARGEST_IMAGE
    assert bound("classes", "le") == check.MOST_CLASSES
    assert bound("classes", "ge") == 2
