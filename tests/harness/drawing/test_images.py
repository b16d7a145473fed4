"""Mosaics of images."""

from __future__ import annotations

import numpy as np

from harness.drawing.images import GAP, mosaic


def test_mosaic() -> None:
    black, grey = np.full((2, 3), 255, np.uint8), np.full((2, 3), 9, np.uint8)
    whole = mosaic([[black, grey], [grey]], below=1)
    assert whole.shape == (2 * (2 + 1) + GAP, 2 * 3 + GAP)
    assert (whole[:2, :3] == 255).all()
    assert (whole[:2, 3 + GAP :] == 9).all()
    assert (whole[3 + GAP : 5 + GAP, :3] == 9).all()
    assert whole.sum() == 6 * 255 + 12 * 9  # white elsewhere
