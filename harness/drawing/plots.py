"""Parts that figures of lines and points share. Importing this module does not import matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from harness.drawing.backend import import_matplotlib
from harness.drawing.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDE = (WIDTH, 3.4)  # inches
STYLES = ("-", "--", ":", "-.")  # besides colour, for readers who can't tell colours apart
MARKERS = "osD^v<>PX*"
INSIDE = 12  # rows, at most, of a legend in the axes; a longer one stands on the right
LINE, COLUMN = 0.16, 0.28  # inches: the height of a row in a legend, the width of a name on an axis


def new_figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure; width and height are in inches."""
    import_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def legend(figure: Figure, axes: Axes, rows: int, columns: int = 1) -> None:
    """Add a legend for a number of rows: in the axes, or on their right if it is too long for them."""
    if rows <= INSIDE:
        axes.legend(frameon=False, fontsize="small", ncols=columns)
    else:
        figure.legend(loc="outside right upper", fontsize="x-small", frameon=False)


def plain_logarithm(axis: Axis) -> None:
    """Label the ticks of a logarithmic axis with plain numbers instead of powers of ten."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    least, most = axis.get_view_interval()
    is_short = most < 5 * least
    axis.set_major_locator(MaxNLocator(6) if is_short else LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())
