"""Settings as plain values: what can be kept and made again, and what is refused."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_serializer

from harness.errors import UserError
from harness.plan.settings import plain_settings
from variants.contract import Config


class Kind(enum.Enum):
    ROUND, FLAT = "round", "flat"


class Part(BaseModel):
    size: int = 3
    kinds: frozenset[Kind] = frozenset(Kind)


class Rich(Config):
    kind: Kind = Kind.ROUND
    path: Path = Path("a/b")
    names: set[str] = {"one", "two", "three"}  # noqa: RUF012
    when: datetime.datetime = datetime.datetime(2017, 11, 7, 12, 30)
    span: datetime.timedelta = datetime.timedelta(minutes=90)
    exact: decimal.Decimal = decimal.Decimal("0.10")
    pair: tuple[int, Kind] = (1, Kind.FLAT)
    table: dict[int, set[str]] = {3: {"b", "a"}}  # noqa: RUF012
    part: Part = Part()
    parts: list[Part] = [Part(size=1)]  # noqa: RUF012
    choice: Literal["x", "y"] = "x"
    maybe: float | None = None

    @computed_field
    def area(self) -> int:
        return self.image_size**2


def test_they_are_json_and_make_the_same_configuration() -> None:
    config = Rich(kind=Kind.FLAT, path=Path("c"), names={"z", "y"})
    settings = plain_settings("rich", config)
    assert Rich(**json.loads(json.dumps(settings))) == config
    assert settings["kind"] == "flat"
    assert settings["names"] == ["y", "z"]
    assert "area" not in settings


class Numbers(Config):
    numbers: frozenset[int] = frozenset()
    nested: list[dict[str, set[int]]] = []  # noqa: RUF012


def test_sets_have_an_order() -> None:
    """They come in another one in each process."""
    one, other = [0, 8, 16], [16, 8, 0]
    assert list(set(one)) != list(set(other))  # as these do, which fall into one place of the table
    dumps = [
        json.dumps(plain_settings("n", Numbers(numbers=frozenset(each), nested=[{"a": set(each)}])))
        for each in (one, other)
    ]
    assert dumps[0] == dumps[1]


class Opaque:
    pass


class WorkerDied(Config):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    thing: Any = None
    number: int = 1

    @field_serializer("number")
    def shown(self, value: int) -> int:
        return 1


class Aliased(Config):
    alias: int = Field(1, alias="other")


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (WorkerDied(thing=Opaque()), "thing"),
        (WorkerDied(thing=float("inf")), "thing"),
        (WorkerDied(thing=Path("x")), "thing"),  # it would come back as a text
        (WorkerDied(number=2), "number"),
        (Aliased(other=2), "alias"),
    ],
)
def test_what_does_not_come_back_is_refused(config: Config, name: str) -> None:
    with pytest.raises(UserError, match=f"{name} of variant 'lost' is .* can't be kept in a record as JSON"):
        plain_settings("lost", config)
