"""Write the code of a plugin beside a model, and find and import it again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import variants
from harness.plugins.load import path_of
from harness.plugins.source import source_files, text_of

INSTALLED = Path(variants.__file__).parent  # is there wherever a model is loaded
FOLDER = "plugin-"  # and the name of the plugin: the folder with its files
SINGLE = "plugin.py"  # what older records have instead


def plugin_of(modules: Iterable[str]) -> Path | None:
    """Return the file of the first module that was loaded as a plugin; None if none was."""
    return next(filter(None, map(path_of, modules)), None)


def save_plugin(modules: tuple[str, ...], folder: Path) -> Path | None:
    """Copy a plugin, with what it imports from its folder, to a subfolder, and return that; None if there is no plugin.

    Arguments:
        modules: the modules that define a variant.
    """
    plugin = plugin_of(modules)
    if plugin is None:
        return None
    own = folder / f"{FOLDER}{plugin.stem}"
    for source in {plugin, *source_files(*modules).values()}:
        if source.is_relative_to(plugin.parent) and not source.is_relative_to(INSTALLED):
            target = own / source.relative_to(plugin.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text_of(source))
    return own


def plugin_in(files: Path) -> Path | None:
    """Return the plugin's file among the files of a model; None if its variant was no plugin."""
    for own in sorted(files.glob(f"{FOLDER}*")):
        path = own / f"{own.name.removeprefix(FOLDER)}.py"
        if path.is_file():
            return path
    return files / SINGLE if (files / SINGLE).is_file() else None


@contextmanager
def beside(plugin: Path) -> Iterator[None]:
    """Let the plugin import what lies beside it; modules of the same names are put aside meanwhile."""
    names = {path.stem for path in plugin.parent.iterdir() if path != plugin}
    here = _take(names)
    sys.path.insert(0, str(plugin.parent))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(plugin.parent))
        _take(names)
        sys.modules.update(here)


def _take(names: set[str]) -> dict[str, ModuleType]:
    return {each: sys.modules.pop(each) for each in list(sys.modules) if each.partition(".")[0] in names}
