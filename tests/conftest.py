"""What every test may ask for."""

from pathlib import Path

import pytest

from harness.data import DATASETS, data_folder


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
