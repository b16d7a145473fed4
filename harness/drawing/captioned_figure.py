"""A figure with its title, its caption and a text for those who can't see it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.drawing.style import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("pdf", "png")
RESOLUTION = 180  # dots per inch of a PNG


@dataclass(frozen=True)
class CaptionedFigure:
    """A figure with its title, its caption and a text for those who can't see it.

    name: of its files, without the ending.
    alt_text: what the figure shows, in sentences.
    """

    name: str
    title: str
    caption: str
    alt_text: str
    figure: Figure

    @cached_property
    def svg(self) -> str:
        """The figure as an SVG element that can stand in a page."""
        written = io.StringIO()
        with style():
            self.figure.savefig(written, format="svg", metadata={"Date": None}, transparent=True, dpi=RESOLUTION)
        self.figure.set_layout_engine(None)  # it is laid out now, and need not be for every format
        text = written.getvalue()
        return text[text.index("<svg") :]

    def rendered(self) -> CaptionedFigure:
        """Render the figure and return it, so that what can't be drawn fails here.

        Raises:
            Exception: whatever matplotlib raises.
        """
        _ = self.svg
        return self

    def files(self) -> dict[str, bytes]:
        """The figure as files for a paper and for slides, by their format."""
        found = {}
        with style():
            for kind in FORMATS:
                more = {"metadata": {"CreationDate": None}} if kind == "pdf" else {"pil_kwargs": {"compress_level": 3}}
                written = io.BytesIO()
                self.figure.savefig(written, format=kind, dpi=RESOLUTION, **more)
                found[kind] = written.getvalue()
        return found
