"""A figure with what is said of it, in the formats that it is kept in."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from harness.report.figures.font import families

WIDTH = 7.2  # inches
BLUE, RED = "#1f5fa8", "#b3401f"
KINDS = ("pdf", "png")
RESOLUTION = 180  # dots per inch of a PNG


@dataclass(frozen=True)
class Drawing:
    """A figure, its caption, and what it shows in words, for those who can't see it."""

    name: str
    title: str
    caption: str
    text: str
    figure: Figure

    @property
    def stem(self) -> str:
        """The name of its files."""
        return re.sub(r"[^a-z0-9=.]+", "-", self.name.lower()).strip("-")

    def svg(self) -> str:
        """As an element that can stand in a page."""
        drawn = io.StringIO()
        with style():
            self.figure.savefig(drawn, format="svg", metadata={"Date": None}, transparent=True, dpi=RESOLUTION)
        self.figure.set_layout_engine(None)  # it is laid out now, and need not be for every format
        text = drawn.getvalue()
        return text[text.index("<svg") :]

    def files(self) -> dict[str, bytes]:
        """As files for a paper and for slides, by their names."""
        found = {}
        with style():
            for kind in KINDS:
                more = {"metadata": {"CreationDate": None}} if kind == "pdf" else {"pil_kwargs": {"compress_level": 3}}
                drawn = io.BytesIO()
                self.figure.savefig(drawn, format=kind, dpi=RESOLUTION, **more)
                found[f"{self.stem}.{kind}"] = drawn.getvalue()
        return found


@contextmanager
def style() -> Iterator[None]:
    """Small letters, text that stays text, and the same file from the same data."""
    settings: dict[str, Any] = {"svg.hashsalt": "report", "svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 9}
    settings["font.family"] = families()
    with matplotlib.rc_context(settings):
        yield
