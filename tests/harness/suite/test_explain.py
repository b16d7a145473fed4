"""Sentences for what pydantic refuses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError, field_validator

from harness.suite.explain import explain
from harness.suite.protocol import Settings


class Leaf(Settings):
    size: int = Field(3, ge=1, lt=9, description="how large it is")
    share: float | None = Field(None, gt=0, le=1)
    kind: Literal["round", "square"] = "round"
    needed: str = Field(description="what it is called")

    @field_validator("needed")
    @classmethod
    def _plain(cls, value: str) -> str:
        if value == "bad":
            raise ValueError("'bad' is taken")
        return value


class Tree(Settings):
    leaves: list[Leaf] = Field(default_factory=list, max_length=3)
    by_name: dict[str, Leaf] = Field(default_factory=dict)
    one: Leaf | None = None
    either: int | Leaf | None = None
    numbers: list[Annotated[int, Field(ge=0, le=5)]] = Field(default_factory=list)


def sentence(document: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate(document)
    text = explain(caught.value, Tree)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("document", "parts"),
    [
        ({"leafs": []}, ["unknown key 'leafs'", "did you mean 'leaves'?", "by_name, either, leaves, numbers, one"]),
        ({"one": {"needed": "a", "siz": 1}}, ["unknown key 'one.siz'", "'size'", "kind, needed, share, size"]),
        ({"leaves": [{"needed": "a", "sise": 1}]}, ["unknown key 'leaves.0.sise'", "did you mean 'size'?"]),
        ({"by_name": {"x": {"needed": "a", "shar": 1}}}, ["unknown key 'by_name.x.shar'", "did you mean 'share'?"]),
        ({"by_name": {"Upper": {"needed": "a", "size": 0}}}, ["'by_name.Upper.size' is 0", "≥ 1 and < 9"]),
        ({"by_name": {"int": {"needed": "a", "size": 0}}}, ["'by_name.int.size' is 0", "≥ 1 and < 9"]),
        ({"leaves": [{}]}, ["'leaves.0.needed' is missing: it says what it is called"]),
        ({"leaves": [{"needed": "a", "size": 9}]}, ["'leaves.0.size' is 9", "≥ 1 and < 9"]),
        ({"one": {"needed": "a", "share": 0}}, ["'one.share' is 0", "> 0 and ≤ 1"]),
        ({"one": {"needed": "a", "kind": "oval"}}, ["'one.kind' is 'oval'", "'round' or 'square'"]),
        ({"one": {"needed": "bad"}}, ["one.needed: 'bad' is taken"]),
        ({"either": {"needed": "a", "size": 0}}, ["either"]),
        ({"numbers": [1, 6]}, ["'numbers.1' is 6", "≥ 0 and ≤ 5"]),
        ({"one": {"needed": True}}, ["'one.needed' is true: "]),
        ({"leaves": [{"needed": "a"}] * 4}, ["'leaves' is", "at most 3 items"]),
        (
            "text",
            ["'the document' is 'text': write a mapping of keys; available: by_name, either, leaves, numbers, one"],
        ),
        ({"one": 3}, ["'one' is 3: write a mapping of keys; available: kind, needed, share, size"]),
        ({"by_name": {"x": None}}, ["'by_name.x' is null: write a mapping of keys; available: kind, needed, share"]),
    ],
)
def test_sentences(document: Any, parts: list[str]) -> None:
    text = sentence(document)
    for part in parts:
        assert part in text


def test_a_long_value_is_cut() -> None:
    assert len(sentence({"numbers": "x" * 5000})) < 200


def test_a_misspelt_key_is_told_before_the_key_that_is_missing_for_it() -> None:
    text = sentence({"leaves": [{"neded": "a", "size": 0}]})
    assert "unknown key 'leaves.0.neded': did you mean 'needed'?" in text
