"""Conditions on runs hold any value that the language can express."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import UserError
from harness.record.query import equals


def test_values_are_found_as_they_are(open_record: Callable[..., Any]) -> None:
    record = open_record()
    values = ["plain", "it's", 'a "b"', "100%", "a_b", "ü = 1", "a and b", "(x)", "a\\b"]
    for value in values:
        record.client.create_run(record.experiment, tags={"harness.some": value}, run_name=value)
    for value in values:
        [found] = record.runs([record.experiment], equals("harness.some", value))
        assert found.info.run_name == value


@pytest.mark.parametrize("value", ["'\"", "a`b", "a\nb", "\0"])
def test_values_that_cannot_be_said_are_refused(value: str) -> None:
    with pytest.raises(UserError, match="can't be looked for"):
        equals("harness.some", value)
