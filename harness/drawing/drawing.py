"""A figure with what is said of it, in the formats that it is kept in."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.drawing.backend import import_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.2  # inches
BLUE, RED = "#1f5fa8", "#b3401f"
KINDS = ("pdf", "png")
RESOLUTION = 180  # dots per inch of a PNG
SETTINGS = {
    "svg.hashsalt": "report",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "text.parse_math": False,  # a dollar in a label is a dollar
}


@dataclass(frozen=True)
class Drawing:
    """A figure, its caption, and what it shows in words, for those who can't see it."""

    name: str
    title: str
    caption: str
    text: str
    figure: Figure

    @cached_property
    def svg(self) -> str:
        """As an element that can stand in a page."""
        drawn = io.StringIO()
        with style():
            self.figure.savefig(drawn, format="svg", metadata={"Date": None}, transparent=True, dpi=RESOLUTION)
        self.figure.set_layout_engine(None)  # it is laid out now, and need not be for every format
        text = drawn.getvalue()
        return text[text.index("<svg") :]

    def rendered(self) -> Drawing:
        """Itself, once it is known that it can be drawn."""
        _ = self.svg
        return self

    def files(self) -> dict[str, bytes]:
        """As files for a paper and for slides, by their kinds."""
        found = {}
        with style():
            for kind in KINDS:
                more = {"metadata": {"CreationDate": None}} if kind == "pdf" else {"pil_kwargs": {"compress_level": 3}}
                drawn = io.BytesIO()
                self.figure.savefig(drawn, format=kind, dpi=RESOLUTION, **more)
                found[kind] = drawn.getvalue()
        return found


@contextmanager
def style() -> Iterator[None]:
    """Small letters, text that stays text, and the same file from the same data, whatever the user's own style is."""
    import_matplotlib()
    import matplotlib

    defaults: dict[str, Any] = {
        name: value for name, value in matplotlib.rcParamsDefault.items() if "backend" not in name
    }
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that no font has, of labels that leave little room
        matplotlib.rcParams.update({**defaults, **SETTINGS})
        yield
