"""Import matplotlib without the user's own settings, which should neither break a report nor show in it."""

from __future__ import annotations

import logging
import os
import sys

CHOICES = ("MPLBACKEND", "MATPLOTLIBRC")  # matplotlib reads them once, while it is imported


def import_matplotlib() -> None:
    """Import matplotlib, if it is not imported yet, without the choices of the environment and without its warnings."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if "matplotlib" in sys.modules:
        return
    chosen = {name: os.environ.pop(name) for name in CHOICES if name in os.environ}
    try:
        import matplotlib  # noqa: F401
    finally:
        os.environ.update(chosen)
