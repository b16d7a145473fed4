"""Find and read the two sides of a comparison: a run of a suite, counted back from the newest, or a run by its id."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import UserError
from harness.record.listing import suite_of
from harness.record.reader import RunReader
from harness.report.tables.comparison import Side
from harness.report.tables.recorded_rows import RecordedRows
from harness.report.tables.timed import timed_of
from harness.suite.fields import plain_name
from harness.suite.load import suite_name

MOMENTARY = ("load", "clock_mhz", "node", "convolutions")  # of a trial, not of a machine
TARGET = re.compile(r"(?P<suite>.*?)(@(?P<profile>[^@]*?))?(~(?P<back>\d{1,6}))?", re.DOTALL)


@dataclass(frozen=True)
class Target:
    """A run of a suite: where it is recorded, and its id."""

    text: str  # how the user named it
    record: RunReader
    invocation: str


def read_sides(tracking_uri: str, a: str, b: str, notify: Callable[[str], None]) -> tuple[Side, Side]:
    """Read both sides of a comparison from the record alone; `find_target` says how they are named.

    Arguments:
        notify: called with a line that says what of the record is waited for, or damaged.

    Raises:
        UserError: nothing like one of them is recorded, or they are the same run.
    """
    one, other = (find_target(tracking_uri, text, notify) for text in (a, b))
    if one.invocation == other.invocation:
        raise UserError(
            f"A and B are the same run ({a} and {b} are {one.invocation}); SUITE~1 is the run before the newest."
        )
    return read_side(one), read_side(other)


def find_target(tracking_uri: str, text: str, notify: Callable[[str], None] = lambda _: None) -> Target:
    """Find the run that a text names.

    Arguments:
        text: the name or the file of a suite, with `@PROFILE` behind it if a profile is meant and `~1` for the run
            before the newest (`~2` for the one before that); or the id of a run as `list runs` shows it.

    Raises:
        UserError: nothing like it is recorded.
    """
    suite = suite_of(tracking_uri, text, notify) if text.isalnum() else None
    if suite is not None:
        return Target(text, RunReader(tracking_uri, suite, notify), text)
    found = TARGET.fullmatch(text)
    assert found is not None  # as any text is the name of a suite at least
    name, profile = suite_name(found["suite"]), found["profile"]
    try:
        for each in (name, profile) if profile is not None else (name,):
            plain_name(each)
    except ValueError as error:
        raise UserError(f"{text!r} names no run: {error}.") from None
    record = RunReader(tracking_uri, name, notify)
    return Target(text, record, record.latest_invocation(profile, int(found["back"] or 0)))


def read_side(target: Target) -> Side:
    """Read one side of a comparison."""
    record = target.record
    found = record.invocation(target.invocation)
    recorded = RecordedRows(found.plan, record.trials())
    facts = {f"code {name}": value for name, value in found.code.items()}
    if recorded.done:
        newest = recorded.done[0].machine
        facts |= {name: value for name, value in newest.items() if name not in MOMENTARY}
    return Side(target.text, recorded, timed_of(found.plan.timing, recorded.timing), facts)
