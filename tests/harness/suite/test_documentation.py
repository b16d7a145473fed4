"""docs/suites.md lists every key of a suite and of published numbers, with its default and its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.suite.claims import BaseClaim
from harness.suite.profile import Profile
from harness.suite.protocol import Protocol, Schedule, TimingProtocol
from harness.suite.published import Number, Published, PublishedProtocol, PublishedTable
from harness.suite.resources import Resources
from harness.suite.schema import ErrorTable, Row, Suite, TimedRow, TimeTable, TrainedRow

DOCUMENT = Path(__file__).parents[3] / "docs" / "suites.md"
MODELS: dict[str, list[type[BaseModel]]] = {
    "Suite": [Suite],
    "Protocols": [Protocol],
    "Schedules": [Schedule],
    "Errors": [ErrorTable],
    "Times": [TimeTable],
    "Rows": [Row, TrainedRow, TimedRow],
    "Claims": [BaseClaim],
    "Resources": [Resources],
    "Profiles": [Profile],
    "Published numbers": [Published],
    "Tables of a publication": [PublishedTable],
    "Numbers of a table": [Number],
    "Protocols of a publication": [PublishedProtocol],
}


def lines(models: list[type[BaseModel]]) -> Iterator[str]:
    """The lines of a table of keys."""
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    for name, field in fields.items():
        assert field.description, name
        yield f"| `{name}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    is_plain = isinstance(field.default, str | int | float) and field.default != ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`" if is_plain else ""


@pytest.mark.parametrize("heading", MODELS)
def test_every_key_is_documented(heading: str) -> None:
    section = DOCUMENT.read_text().partition(f"# {heading}\n")[2].partition("\n#")[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert listed == list(lines(MODELS[heading])), "\n".join(lines(MODELS[heading]))


def test_the_table_of_times_has_the_keys_of_its_protocol() -> None:
    assert TimingProtocol.model_fields.keys() <= TimeTable.model_fields.keys()
