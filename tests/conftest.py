"""What every test may ask for."""

import os
from pathlib import Path

import pytest

from harness.data import DATASETS, data_folder

for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
    os.environ.pop(name, None)  # no test records where whoever runs it does


def pytest_addoption(parser: pytest.Parser) -> None:
    """How hard the torture test is."""
    parser.addoption("--kills", type=int, default=30, help="how many kills the torture test makes")
    parser.addoption("--torture-seed", type=int, default=0, help="what its chance begins with")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The data folder, with MNIST in it."""
    folder = data_folder(None)
    DATASETS.get("mnist")().fetch(folder, print)
    return folder
