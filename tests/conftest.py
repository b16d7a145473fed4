"""What every test may ask for."""

from pathlib import Path

import pytest

from harness.data import DATASETS, data_folder


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The data folder, with MNIST in it."""
    folder = data_folder(None)
    DATASETS.get("mnist")().fetch(folder, print)
    return folder
