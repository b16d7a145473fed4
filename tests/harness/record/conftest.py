"""An empty MLflow store, made once, since its tables take seconds, and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.record.address import artifact_folder, be_quiet, default_address


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store."""
    be_quiet()
    from harness.record.store import Record

    folder = tmp_path_factory.mktemp("store")
    Record(default_address(folder), "none")
    return folder / "mlflow.db"


@pytest.fixture
def results(tmp_path: Path, empty_store: Path) -> Path:
    """A results folder with an empty store in it."""
    folder = tmp_path / "results"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def open_record(results: Path) -> Callable[..., Any]:
    """Open the record of the suite `tiny`, as another process would."""
    from harness.record.store import Record

    def opened(folder: Path = results, suite: str = "tiny") -> Record:
        address = default_address(folder)
        return Record(address, suite, artifact_folder(address, folder))

    return opened
