"""Read the arrays of analyses from the files of early versions; the arrays have their current names."""

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
    """Read the arrays of such a file; one of pictures holds those of several analyses.

    Raises:
        Damaged: the file can't be read, or holds something else.
    """
    if path.name != ACTIVITY:
        return read_arrays(path)
    return {name: np.array(values) for name, values in read_numbers(path).items()}
