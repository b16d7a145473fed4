"""Find `variants` beside the harness, wherever else the path of imports has something of that name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

NAME = "variants"


class _Beside(MetaPathFinder):
    """Python puts the working directory first, and somebody's folder there may have that name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`; None for any other module, or where none lies beside the harness."""
        folder = Path(__file__).parents[2] / NAME
        if fullname != NAME or not (folder / "__init__.py").is_file():
            return None
        return spec_from_file_location(NAME, folder / "__init__.py", submodule_search_locations=[str(folder)])


def find_variants_beside() -> None:
    """Let `import variants` find the package that was installed with the harness."""
    if not any(isinstance(finder, _Beside) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Beside())
