"""Remove empty folders that torch leaves in the temporary folder."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

COMPILERS = "torchinductor_*"  # torch makes this folder when it is imported, and fills it when it compiles something


def remove_empty_folders() -> None:
    """Remove the folder of torch's compiler, if torch was imported and the folder is empty."""
    if "torch" in sys.modules:
        for folder in Path(tempfile.gettempdir()).glob(COMPILERS):
            with suppress(OSError):  # it is not empty, or another user's
                folder.rmdir()
