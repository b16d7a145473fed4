"""An import finder that resolves `variants` to the package installed with the harness, whatever sys.path has first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

NAME = "variants"


class _VariantsFinder(MetaPathFinder):
    """The working directory is first on sys.path, and a folder there may have that name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`; None for any other module, or if the harness is installed without `variants`."""
        folder = Path(__file__).parents[2] / NAME
        if fullname != NAME or not (folder / "__init__.py").is_file():
            return None
        return spec_from_file_location(NAME, folder / "__init__.py", submodule_search_locations=[str(folder)])


def prefer_own_variants() -> None:
    """Make `import variants` find the package that is installed with the harness."""
    if not any(isinstance(finder, _VariantsFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _VariantsFinder())
