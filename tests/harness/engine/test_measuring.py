"""Costs of trials on a cluster."""

from __future__ import annotations

import pytest
from ray.exceptions import LocalRayletDiedError, WorkerCrashedError

from harness.engine import measuring
from harness.errors import UserError
from harness.worker.forkserver import TrialError


def raising(error: Exception) -> object:
    def get(_: object) -> None:
        raise error

    return get


def test_a_worker_that_died_too_often_is_an_error_of_that_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring.ray, "get", raising(WorkerCrashedError()))
    cost = measuring._cost_of(None)
    assert isinstance(cost, TrialError)
    assert "WorkerCrashedError" in cost.cause


def test_a_dead_raylet_ends_the_run_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring.ray, "get", raising(LocalRayletDiedError()))
    with pytest.raises(UserError, match=r"raylet on this machine has died; give the same command again: it resumes"):
        measuring._cost_of(None)
