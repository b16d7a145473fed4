"""What a record holds of one training trial."""

from __future__ import annotations

from harness.record.reader import RunReader
from harness.record.recorded import RecordedTraining


def recorded_training(record: RunReader, key: str) -> RecordedTraining:
    """The newest run of the trial with this key, read anew."""
    recorded = record.trials()[key]
    assert isinstance(recorded, RecordedTraining)
    return recorded
