"""Matplotlib as it comes: what the user has set for their own figures neither stops a report nor shows in it."""

from __future__ import annotations

import logging
import os
import sys

CHOICES = ("MPLBACKEND", "MATPLOTLIBRC")  # matplotlib reads them once, while it is imported


def import_matplotlib() -> None:
    """Import it, if nobody has, without the choices of the environment; of what it warns of, a report needs nothing."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if "matplotlib" in sys.modules:
        return
    chosen = {name: os.environ.pop(name) for name in CHOICES if name in os.environ}
    try:
        import matplotlib  # noqa: F401
    finally:
        os.environ.update(chosen)
