"""What the tests of several commands share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data import Mnist

SUITE = """
name: good
protocols:
  short: {batch_size: 20, epochs: 1, learning_rate: 0.001}
errors:
  tasks: [mnist]
  seeds: [0]
  train_images: 1000
  rows: [{variant: capsnet, config: {routing_iterations: 3}, protocol: short}]
times:
  rounds: 1
  threads: 1
  sentinel: 0
  rows: [{variant: cnn, config: {width: 8}}]
profiles:
  laptop: {budget: 20m}
"""


@pytest.fixture
def suite(write: Callable[..., Path]) -> Path:
    return write(SUITE)


@pytest.fixture
def folder(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with MNIST alone, whose files may be changed."""
    from harness.data import DATASETS

    DATASETS.names()  # all are found before, so that none is lost with the copy
    monkeypatch.setattr(DATASETS, "_classes", {"mnist": Mnist})
    shutil.copytree(data_dir / "mnist", tmp_path / "data/mnist")
    return tmp_path / "data"
