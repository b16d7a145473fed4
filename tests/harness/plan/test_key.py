"""Keys: the same for what is measured the same way, another for anything else."""

from __future__ import annotations

import pytest

from harness.plan import key
from harness.plan.key import trial_key


def test_the_order_of_keys_does_not_matter() -> None:
    one = {"config": {"k": 70, "kernel": 9}, "seed": 0}
    other = {"seed": 0, "config": {"kernel": 9, "k": 70}}
    assert trial_key(one) == trial_key(other)
    assert len(trial_key(one)) == 16
    assert int(trial_key(one), 16) >= 0


@pytest.mark.parametrize(
    "changed", [{"k": 71}, {"k": 70.5}, {"k": "70"}, {"k": None}, {"K": 70}, {"k": 70, "l": 0}, {}]
)
def test_any_other_content_gives_another_key(changed: dict[str, object]) -> None:
    assert trial_key({"config": {"k": 70}}) != trial_key({"config": changed})


def test_the_schema_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = trial_key({"a": 1})
    monkeypatch.setattr(key, "SCHEMA", key.SCHEMA + 1)
    assert trial_key({"a": 1}) != before
