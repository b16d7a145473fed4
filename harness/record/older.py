"""What earlier versions called the files of what analyses have measured; the arrays in them are called as today."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.record.arrays import read_arrays
from harness.record.artifacts import read_numbers

PICTURES, ACTIVITY = "pictures.npz", "activity.json"
FILES = {
    "mistakes": PICTURES,
    "reconstructions": PICTURES,
    "perturbation": PICTURES,
    "pruning_map": PICTURES,
    "capsule_activity": ACTIVITY,
}


def read_older(path: Path) -> dict[str, np.ndarray]:
    """The arrays of such a file; of pictures those of several analyses.

    Raises:
        Damaged: it can't be read, or holds something else.
    """
    if path.name != ACTIVITY:
        return read_arrays(path)
    return {name: np.array(values) for name, values in read_numbers(path).items()}
