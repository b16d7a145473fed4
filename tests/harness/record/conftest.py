"""The record of a suite in a store of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.record.tracking_uri import artifact_folder, default_tracking_uri
from harness.suite.load import load_suite


@pytest.fixture
def open_record(results: Path) -> Callable[..., Any]:
    """Open the record of the suite `tiny`, as another process would."""
    from harness.record.writer import RunWriter

    def opened(folder: Path = results, suite: str = "tiny") -> RunWriter:
        tracking_uri = default_tracking_uri(folder)
        return RunWriter(tracking_uri, suite, artifact_folder(tracking_uri, folder))

    return opened


@pytest.fixture
def plan(tiny_suite: Path, tmp_path: Path) -> Plan:
    """The plan of the tiny suite."""
    return make_plan(load_suite(tiny_suite), tmp_path)


@pytest.fixture
def trial(plan: Plan) -> Trial:
    """Its training trial."""
    return next(trial for trial in plan.trials if trial.kind == "training")
