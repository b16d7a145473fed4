"""The dtype of labels: bytes for up to 256 classes."""

from __future__ import annotations

import numpy as np


def label_dtype(classes: int) -> np.dtype:
    """The dtype of labels and predictions of `classes` classes: uint8 up to 256, uint16 above."""
    return np.dtype(np.uint8 if classes <= 256 else np.uint16)
