"""All figures of a report, in their order; one that can't be drawn is left out and named, and costs no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.analysis.base import ANALYSES, Sketch
from harness.drawing.labels import file_stems
from harness.errors import cause_of
from harness.plugins.isolation import stdout_aside

if TYPE_CHECKING:
    from harness.drawing.drawing import Drawing
    from harness.report.analysis_rows import RowsOf
    from harness.report.tables.rows import ErrorRow

MOST = 24  # figures of a kind
FIRST = "errors"  # the figure that a report begins with


class Gallery:
    """The figures that could be drawn, and what is said of the others."""

    def __init__(self) -> None:
        self.drawings: list[Drawing] = []
        self.left_out: list[str] = []

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Around what may fail on data that nobody has thought of."""
        try:
            yield
        except (Exception, SystemExit) as error:  # whatever matplotlib or a plugin raises: no figure is worth a report
            self.left_out.append(f"{name}: {cause_of(error)}")

    @property
    def first(self) -> Drawing | None:
        """The figure that a report begins with."""
        return next((drawing for drawing in self.drawings if drawing.name == FIRST), None)

    @property
    def others(self) -> list[Drawing]:
        """All but that."""
        return [drawing for drawing in self.drawings if drawing.name != FIRST]

    def files(self) -> dict[str, bytes]:
        """Every figure as files, by their names; one that can't be written is left out from now on."""
        found: dict[str, bytes] = {}
        drawn = []
        for stem, drawing in zip(file_stems([each.name for each in self.drawings]), self.drawings, strict=True):
            with self.attempt(drawing.name):
                found |= {f"{stem}.{kind}": content for kind, content in drawing.files().items()}
                drawn.append(drawing)
        self.drawings = drawn
        return found


def draw_all(rows_of: RowsOf | None, errors: Sequence[ErrorRow] = ()) -> Gallery:
    """Every figure that there are data for.

    Arguments:
        rows_of: gives the rows of the report for an analysis; without it no analysis draws.
        errors: the rows of the table of errors, whose errors the first figure shows.
    """
    gallery = Gallery()
    with gallery.attempt(FIRST):
        _draw_first(errors, gallery)
    if rows_of is not None:
        with gallery.attempt("all figures"), stdout_aside():
            _draw(rows_of, gallery)
    return gallery


def _draw_first(errors: Sequence[ErrorRow], gallery: Gallery) -> None:
    if errors:
        from harness.drawing.drawing import style
        from harness.report.figures.overview import overview

        with style():
            drawing = overview(errors)
            if drawing is not None:
                gallery.drawings.append(drawing.rendered())


def _draw(rows_of: RowsOf, gallery: Gallery) -> None:
    from harness.drawing.drawing import style

    with style():
        for name in sorted(ANALYSES.names(), key=lambda each: (ANALYSES.get(each).place, each)):
            rows = rows_of(name)
            sketches: list[Sketch] = []
            with gallery.attempt(name):
                sketches.extend(ANALYSES.get(name)().figures(rows))
            gallery.left_out += rows.left_out
            for kind in dict.fromkeys(sketch.kind for sketch in sketches):
                _draw_kind([sketch for sketch in sketches if sketch.kind == kind], gallery)


def _draw_kind(sketches: Sequence[Sketch], gallery: Gallery) -> None:
    for sketch in sketches[:MOST]:
        with gallery.attempt(sketch.name):
            gallery.drawings.append(sketch.draw(sketch.name).rendered())
    if len(sketches) > MOST:
        gallery.left_out.append(
            f"{sketches[MOST].name} and {len(sketches) - MOST - 1} more: there are {MOST} of the kind"
        )
