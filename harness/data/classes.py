"""How classes are kept: as bytes while they fit."""

from __future__ import annotations

import numpy as np


def class_type(classes: int) -> np.dtype:
    """The dtype of labels and predictions of so many classes: uint8 up to 256, uint16 above."""
    return np.dtype(np.uint8 if classes <= 256 else np.uint16)
