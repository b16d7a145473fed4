"""The font of the figures: DejaVu Sans with the signs that figures need, and no others.

A PDF with TrueType fonts, which publishers want, holds the glyphs that it uses. To cut them out of the whole font takes
a fifth of a second for every figure; out of this one it takes a tenth of that. It is kept in matplotlib's own cache.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib import font_manager

from harness.files import write_whole

WHOLE = "DejaVu Sans"  # comes with matplotlib
NAME = "Report Sans"
SIGNS = [*range(0x20, 0x180), *range(0x370, 0x400), *range(0x2010, 0x2040), 0x2192, 0x2212, 0x2264, 0x2265]
NAMES = {1: NAME, 4: NAME, 6: NAME.replace(" ", "")}  # records of a font: family, full name, PostScript's


@cache
def families() -> list[str]:
    """The names of the small font, which this makes, and of the whole one, for all other signs."""
    try:
        path = Path(matplotlib.get_cachedir(), f"report-sans-{matplotlib.__version__}.ttf")
        if not path.is_file():
            write_whole(path, _small_font())
        font_manager.fontManager.addfont(path)
    except (OSError, RuntimeError):  # no folder that can be written to, or no font in the file
        return [WHOLE]
    return [NAME, WHOLE]


def _small_font() -> bytes:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    with TTFont(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), recalcTimestamp=False) as font:
        options = subset.Options(layout_features=[], notdef_outline=True, glyph_names=True, name_IDs=list(NAMES))
        options.drop_tables += ["FFTM"]
        cut = subset.Subsetter(options)
        cut.populate(unicodes=SIGNS)
        cut.subset(font)
        for number, name in NAMES.items():
            font["name"].setName(name, number, 3, 1, 0x409)
        for record in list(font["name"].names):
            if record.platformID != 3:
                font["name"].removeNames(record.nameID, record.platformID)
        written = io.BytesIO()
        font.save(written)
    return written.getvalue()
