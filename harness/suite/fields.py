"""Types of fields of a suite: names, durations, seeds, and lists without repetitions."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, TypeAdapter

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(duration: str | float) -> float:
    """Return the seconds of a duration such as "90s", "20m", "1.5h" or "2d".

    Raises:
        ValueError: it is not a positive duration.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(duration))
    value = float(match[1]) * UNITS[match[2] or "s"] if match else 0.0
    if not 0 < value <= 366 * 86_400:
        raise ValueError(f"{duration!r} is not a duration; write for example 90s, 20m, 1.5h or 2d")
    return value


def plain_name(name: str) -> str:
    """Return a name of a suite, a profile or a protocol unchanged.

    Raises:
        ValueError: it is not a valid name.
    """
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?", name):
        raise ValueError(
            f"{name!r} is not a name; use letters, digits, '.', '_' and '-', at most 64, a letter or digit first and "
            f"no '.' at the end"
        )
    return name


def distinct(values: list[Any]) -> list[Any]:
    """Return a list unchanged.

    Raises:
        ValueError: a value occurs twice.
    """
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} stands twice; name each once")
        seen.add(value)
    return values


def mirrored(rounds: int | None) -> int | None:
    """Return a number of rounds unchanged: 1 or even, since every second round runs in reverse order.

    Raises:
        ValueError: it is odd and above 1.
    """
    if rounds is not None and rounds > 1 and rounds % 2:
        raise ValueError(f"rounds is {rounds}; every second round goes in reverse order, so write an even number, or 1")
    return rounds


def not_null(value: Any) -> Any:
    """Return a value unchanged.

    Raises:
        ValueError: it is null.
    """
    if value is None:
        raise ValueError("null stands for the default, and there is none; write a value or leave it out")
    return value


T = TypeVar("T")
Name = Annotated[str, AfterValidator(plain_name)]
Duration = Annotated[float, BeforeValidator(seconds)]
NotNull = Annotated[T | None, AfterValidator(not_null)]  # may be left out, but has no default to reset to
Seed = Annotated[int, Field(ge=0, le=2**31)]
SeedList = Annotated[list[Seed], Field(min_length=1), AfterValidator(distinct)]
_LIST: TypeAdapter[list[int]] = TypeAdapter(SeedList)
_BY_TASK: TypeAdapter[dict[str, list[int]]] = TypeAdapter(Annotated[dict[str, SeedList], Field(min_length=1)])


def _seeds(value: Any) -> list[int] | dict[str, list[int]]:
    if isinstance(value, dict):  # each by itself: the message is about the form that was meant
        return _BY_TASK.validate_python(value)
    if isinstance(value, list):
        return _LIST.validate_python(value)
    raise ValueError("write a list such as [0, 1, 2], or a mapping of tasks to such lists: {mnist: [0, 1]}")


Seeds = Annotated[list[Seed] | dict[str, list[Seed]], PlainValidator(_seeds)]  # of all tasks, or by task


def seeds_on(task: str, seeds: list[int] | dict[str, list[int]] | None) -> list[int] | None:
    """Return the seeds of a task; None where none are given."""
    return seeds.get(task) if isinstance(seeds, dict) else seeds
