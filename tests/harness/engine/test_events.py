"""What an exception in a trial's work comes to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engine.events import failure
from harness.plan.trial import TrainingTrial
from harness.worker.forkserver import TrialError
from harness.worker.result import AttemptSuperseded


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (ValueError("x"), False),
        (AttemptSuperseded("another process has taken over this trial"), True),
        (MemoryError(), True),
    ],
)
def test_what_is_tried_again(training_trial: Callable[..., TrainingTrial], error: Exception, is_lost: bool) -> None:
    assert failure(training_trial(), TrialError.from_exception(error)).is_lost is is_lost
