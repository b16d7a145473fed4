"""Changes of settings: their fields and bounds, and what comes of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError, model_validator

from harness.errors import UserError
from harness.suite.change import FIXED, Change
from harness.suite.protocol import Protocol, Schedule, Settings, TimingProtocol
from harness.suite.resources import Resources


class Leaf(Settings):
    size: int = Field(3, ge=1, le=9)
    name: str = "leaf"


class Tree(Settings):
    height: float = Field(gt=0)
    leaf: Leaf = Leaf(size=5)
    note: str | None = "a note"

    @model_validator(mode="after")
    def _stands(self) -> Tree:
        if self.leaf.size > self.height:
            raise ValueError("the leaf is larger than the tree; make it smaller")
        return self


class Oak(Tree):
    acorns: int = 7


@pytest.mark.parametrize("original", [Schedule, Protocol, TimingProtocol, Resources])
def test_a_change_has_the_bounds_of_what_it_changes(original: type[Settings]) -> None:
    fields = Change[original].model_fields  # type: ignore[valid-type]
    assert fields.keys() == original.model_fields.keys() - FIXED
    for name, field in fields.items():
        rules = {str(rule) for rule in original.model_fields[name].metadata}
        assert rules <= {str(rule) for rule in field.metadata}, name
        assert field.description == original.model_fields[name].description


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"height": 8, "leaf": {"size": 4, "name": "green"}, "note": None}),
        ({"height": 9}, {"height": 9, "leaf": {"size": 4, "name": "green"}, "note": None}),
        ({"leaf": {"size": 2}}, {"height": 8, "leaf": {"size": 2, "name": "green"}, "note": None}),
        ({"leaf": {"size": None}}, {"height": 8, "leaf": {"size": 3, "name": "green"}, "note": None}),
        ({"leaf": None}, {"height": 8, "leaf": {"size": 5, "name": "leaf"}, "note": None}),
        ({"note": None}, {"height": 8, "leaf": {"size": 4, "name": "green"}, "note": "a note"}),
        ({"note": "b"}, {"height": 8, "leaf": {"size": 4, "name": "green"}, "note": "b"}),
    ],
)
def test_what_is_named_changes_and_null_resets_it(change: dict[str, Any], expected: dict[str, Any]) -> None:
    oak = Oak(height=8, leaf=Leaf(size=4, name="green"), note=None, acorns=1)
    changed = Change[Tree].model_validate(change).of(oak, "here")
    assert changed == Oak.model_validate({**expected, "acorns": 1})


@pytest.mark.parametrize("change", [{"height": None}, {"height": 0}, {"leaf": {"size": 0}}, {"leaf": {"sise": 1}}])
def test_a_change_that_can_fit_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Change[Tree].model_validate(change)


def test_a_change_whose_result_does_not_fit_is_named_by_its_key() -> None:
    change = Change[Tree].model_validate({"height": 1})
    with pytest.raises(UserError, match=r"^profiles\.p\.tree: the leaf is larger than the tree; make it smaller\.$"):
        change.of(Tree(height=8), "profiles.p.tree")
