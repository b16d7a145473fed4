"""All figures of a report, in their order; one that can't be drawn is left out and named, and costs no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.analysis.base import ANALYSES, FigureSpec
from harness.drawing.labels import file_stems
from harness.errors import cause_of
from harness.plugins.foreign_code import stdout_to_stderr

if TYPE_CHECKING:
    from harness.analysis.rows import RowsOf
    from harness.drawing.captioned_figure import CaptionedFigure
    from harness.report.tables.rows import ErrorRow

MOST_OF_A_KIND = 24  # figures
FIRST = "errors"  # the figure that a report begins with


class ReportFigures:
    """The figures of a report.

    drawn: those that could be drawn.
    left_out: the others, with the reason, a line each.
    """

    def __init__(self) -> None:
        self.drawn: list[CaptionedFigure] = []
        self.left_out: list[str] = []

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Leave a figure out, and say why, if the block that draws it raises."""
        try:
            yield
        except (Exception, SystemExit) as error:  # whatever matplotlib or a plugin raises: no figure is worth a report
            self.left_out.append(f"{name}: {cause_of(error)}")

    @property
    def first(self) -> CaptionedFigure | None:
        """The figure that a report begins with."""
        return next((figure for figure in self.drawn if figure.name == FIRST), None)

    @property
    def others(self) -> list[CaptionedFigure]:
        """All figures but the first."""
        return [figure for figure in self.drawn if figure.name != FIRST]

    def files(self) -> dict[str, bytes]:
        """Every figure as files, by their names; one that can't be written is left out from now on."""
        found: dict[str, bytes] = {}
        written = []
        for stem, figure in zip(file_stems([each.name for each in self.drawn]), self.drawn, strict=True):
            with self.attempt(figure.name):
                found |= {f"{stem}.{kind}": content for kind, content in figure.files().items()}
                written.append(figure)
        self.drawn = written
        return found


def draw_all(rows_of: RowsOf | None, errors: Sequence[ErrorRow] = ()) -> ReportFigures:
    """Draw every figure that there are data for.

    Arguments:
        rows_of: gives the rows of the report for an analysis; without it no analysis draws.
        errors: the rows of the table of errors, whose errors the first figure shows.
    """
    figures = ReportFigures()
    with figures.attempt(FIRST):
        _draw_first(errors, figures)
    if rows_of is not None:
        with figures.attempt("all figures"), stdout_to_stderr():
            _draw_analyses(rows_of, figures)
    return figures


def _draw_first(errors: Sequence[ErrorRow], figures: ReportFigures) -> None:
    if errors:
        from harness.drawing.style import style
        from harness.report.figures.overview import overview

        with style():
            figure = overview(FIRST, errors)
            if figure is not None:
                figures.drawn.append(figure.rendered())


def _draw_analyses(rows_of: RowsOf, figures: ReportFigures) -> None:
    from harness.drawing.style import style

    with style():
        for name in sorted(ANALYSES.names(), key=lambda each: (ANALYSES.get(each).position, each)):
            rows = rows_of(name)
            specs: list[FigureSpec] = []
            with figures.attempt(name):
                specs.extend(ANALYSES.get(name)().figures(rows))
            figures.left_out += rows.left_out
            for kind in dict.fromkeys(spec.kind for spec in specs):
                _draw_kind([spec for spec in specs if spec.kind == kind], figures)


def _draw_kind(specs: Sequence[FigureSpec], figures: ReportFigures) -> None:
    for spec in specs[:MOST_OF_A_KIND]:
        with figures.attempt(spec.name):
            figures.drawn.append(spec.draw(spec.name).rendered())
    if len(specs) > MOST_OF_A_KIND:
        left = len(specs) - MOST_OF_A_KIND - 1
        figures.left_out.append(f"{specs[MOST_OF_A_KIND].name} and {left} more: there are {MOST_OF_A_KIND} of the kind")
