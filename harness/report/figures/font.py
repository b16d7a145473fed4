"""The font of the figures: DejaVu Sans with the signs that figures need, and no others.

A PDF with TrueType fonts, which publishers want, holds the glyphs that it uses. To cut them out of the whole font takes
a fifth of a second for every figure; out of this one it takes a tenth of that.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from matplotlib import font_manager

WHOLE = "DejaVu Sans"  # comes with matplotlib
NAME = "Report Sans"
SIGNS = [*range(0x20, 0x180), *range(0x370, 0x400), *range(0x2010, 0x2040), 0x2192, 0x2212, 0x2264, 0x2265]
NAMES = {1: NAME, 4: NAME, 6: NAME.replace(" ", "")}  # records of a font: family, full name, PostScript's


@cache
def families() -> list[str]:
    """The names of the small font, which this makes, and of the whole one, for all other signs."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    with TTFont(font_manager.findfont(WHOLE), recalcTimestamp=False) as font:
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
        folder = tempfile.mkdtemp(prefix="report-font-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / "report-sans.ttf"
        font.save(path)
    font_manager.fontManager.addfont(path)
    return [NAME, WHOLE]
