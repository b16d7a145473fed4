"""Keys: the same for what is measured the same way, another for anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import harness
from harness.plan import key
from harness.plan.key import ENGINE, hash_of
from harness.plugins.source import file_digest

DATA = ("batches", "expanded_mnist", "placement", "rng", "subset")
MEASURES = (
    "worker/train/*.py",
    "worker/timing/*.py",
    "worker/optimizer.py",
    "worker/precision.py",
    *(f"data/{name}.py" for name in DATA),
)


def test_the_order_of_keys_does_not_matter() -> None:
    one = {"config": {"k": 70, "kernel": 9}, "seed": 0}
    other = {"seed": 0, "config": {"kernel": 9, "k": 70}}
    assert hash_of(one) == hash_of(other)
    assert len(hash_of(one)) == 16
    assert int(hash_of(one), 16) >= 0


@pytest.mark.parametrize(
    "changed", [{"k": 71}, {"k": 70.5}, {"k": "70"}, {"k": None}, {"K": 70}, {"k": 70, "l": 0}, {}]
)
def test_any_other_content_gives_another_key(changed: dict[str, object]) -> None:
    assert hash_of({"config": {"k": 70}}) != hash_of({"config": changed})


def test_the_schema_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hash_of({"a": 1})
    monkeypatch.setattr(key, "SCHEMA", key.SCHEMA + 1)
    assert hash_of({"a": 1}) != before


def test_what_trains_and_times_is_what_the_schema_speaks_of() -> None:
    """Comments, docstrings and layout do not count."""
    folder = Path(harness.__file__).parent
    matched = {pattern: sorted(folder.glob(pattern)) for pattern in MEASURES}
    assert all(matched.values()), matched
    files = sorted(path for paths in matched.values() for path in paths)
    found = hashlib.sha256("".join(map(file_digest, files)).encode()).hexdigest()[:16]
    assert found == ENGINE, (
        f"what trains or times has changed: raise SCHEMA in harness/plan/key.py if a trial measures something else "
        f"now, and in any case set ENGINE there to {found}"
    )
