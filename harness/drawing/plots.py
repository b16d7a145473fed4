"""What figures of lines and points share. Nothing here needs matplotlib at import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from harness.drawing.backend import import_matplotlib
from harness.drawing.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDE = (WIDTH, 3.4)  # inches
STYLES = ("-", "--", ":", "-.")  # besides colour, for those who see none
MARKERS = "osD^v<>PX*"
INSIDE = 12  # rows of a legend that has room in the axes; a longer one stands on the right
LINE, COLUMN = 0.16, 0.28  # inches of a row in a legend, and of a name on an axis


def new_figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure of so many inches."""
    import_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def legend(figure: Figure, axes: Axes, rows: int, columns: int = 1) -> None:
    """The names of so many rows, where there is room for them."""
    if rows <= INSIDE:
        axes.legend(frameon=False, fontsize="small", ncols=columns)
    else:
        figure.legend(loc="outside right upper", fontsize="x-small", frameon=False)


def plain_logarithm(axis: Axis) -> None:
    """The ticks of a logarithmic axis as plain numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    least, most = axis.get_view_interval()
    is_short = most < 5 * least
    axis.set_major_locator(MaxNLocator(6) if is_short else LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())
