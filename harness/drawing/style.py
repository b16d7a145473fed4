"""The style of figures: sizes, colours, and the settings of matplotlib."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.drawing.backend import import_matplotlib

WIDTH = 7.2  # inches
BLUE, RED = "#1f5fa8", "#b3401f"
SETTINGS = {
    "svg.hashsalt": "report",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "text.parse_math": False,  # a dollar in a label is a dollar
}


@contextmanager
def style() -> Iterator[None]:
    """Set matplotlib to small letters, text that stays text, and the same file from the same data.

    The user's own settings are put aside meanwhile.
    """
    import_matplotlib()
    import matplotlib

    defaults: dict[str, Any] = {
        name: value for name, value in matplotlib.rcParamsDefault.items() if "backend" not in name
    }
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that no font has, of labels that leave little room
        matplotlib.rcParams.update({**defaults, **SETTINGS})
        yield
