"""Settings are compared by their values, not by how they are written."""

from __future__ import annotations

from typing import Any

import pytest

from harness.suite.matching import has_settings, same


@pytest.mark.parametrize(
    ("a", "b"), [(1e-4, 0.0001), (1, 1.0), (None, None), ("x", "x"), ([1, {"a": 2}], (1.0, {"a": 2.0})), (True, True)]
)
def test_same(a: Any, b: Any) -> None:
    assert same(a, b)
    assert same(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [(True, 1), (False, 0), (False, None), (0, None), ("1", 1), ([1], [True]), ({"a": 1}, {})],
)
def test_not_the_same(a: Any, b: Any) -> None:
    assert not same(a, b)
    assert not same(b, a)


def test_has_settings() -> None:
    config = {"k": 50, "rate": 0.0001, "decoder": True, "size": None}
    assert has_settings(config, {})
    assert has_settings(config, {"k": 50.0, "rate": 1e-4})
    assert has_settings(config, {"size": None})
    assert not has_settings(config, {"decoder": 1})
    assert not has_settings(config, {"missing": None})
