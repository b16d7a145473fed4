"""What has changed since a trial was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from harness.plan.trial import Trial
from harness.record.parameters import parameters, why_new

MakeTrial = Callable[..., Trial]


def recorded(trial: Trial, **changes: str) -> Mapping[str, str]:
    return parameters(trial) | changes


def test_nothing_like_it(training_trial: MakeTrial, timing_trial: MakeTrial) -> None:
    trial = training_trial()
    assert why_new(trial, []) == ""
    assert why_new(trial, [recorded(trial, seed="7"), recorded(trial, task="mnist"), recorded(timing_trial())]) == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"source": "0"}, "the variant's source"),
        ({"data": "0"}, "the data"),
        ({"config.hidden": "5"}, "config.hidden 5 → 6"),
        (
            {"protocol.epochs": "2.0", "iterations": "12", "fraction": "0.5"},
            "protocol.epochs 2.0 → 4.0, iterations 12 → 24",
        ),
        ({"label": "h=9"}, "how the harness measures"),
    ],
)
def test_what_differs(training_trial: MakeTrial, changes: dict[str, str], expected: str) -> None:
    trial = training_trial()
    assert why_new(trial, [recorded(trial, **changes)]) == expected


def test_the_most_similar_one_counts_and_what_it_lacks_does_not(training_trial: MakeTrial) -> None:
    trial = training_trial()
    far, near = recorded(trial, source="0", data="0"), recorded(trial, source="0")
    assert why_new(trial, [far, near]) == "the variant's source"
    older = {name: value for name, value in near.items() if name != "source"}
    assert why_new(trial, [older]) == "how the harness measures"
