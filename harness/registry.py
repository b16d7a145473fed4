"""One registry for everything that can be added from outside: variants and datasets.

A thing gets in by three ways: a decorator in a module of the registry's own package, a Python file that the
user names, or an installed package that declares an entry point in the registry's group.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Generic, TypeVar

from harness.errors import UserError

T = TypeVar("T")


def nearest(wrong: str, allowed: Iterable[str]) -> str:
    """The end of an error message: the nearest allowed name, where there is one, and all of them."""
    names = sorted(allowed)
    lower, wanted = {name.lower(): name for name in names}, wrong.lower()
    close = difflib.get_close_matches(wanted, lower, n=1) or [n for n in lower if wanted and n.startswith(wanted)]
    hint = f"did you mean '{lower[close[0]]}'? " if close else ""
    return f"{hint}available: {', '.join(names) or 'none'}"


class Registry(Generic[T]):
    """Classes derived from `base` by name.

    Arguments:
        kind: what is registered, for messages ("variant").
        base: the class that everything registered derives from.
        package: the package whose modules register themselves when they are imported.
        group: the entry-point group by which installed packages join.
    """

    def __init__(self, kind: str, base: type[T], *, package: str, group: str) -> None:
        self.kind, self.base, self.package, self.group = kind, base, package, group
        self._classes: dict[str, type[T]] = {}
        self._discovered = False

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Decorator: make a class known as `name`.

        Raises:
            UserError: the class does not derive from the base, or the name is taken by another class.
        """

        def add(cls: type[T]) -> type[T]:
            if not (isinstance(cls, type) and issubclass(cls, self.base)):
                raise UserError(
                    f"'{name}' cannot be a {self.kind}: {cls!r} does not derive from {self.base.__name__}; "
                    f"make it a subclass."
                )
            known = self._classes.get(name)
            if known is not None and _origin(known) != _origin(cls):
                raise UserError(
                    f"two {self.kind}s are called '{name}' ({_origin(known)} and {_origin(cls)}); rename one of them."
                )
            self._classes[name] = cls
            return cls

        return add

    def names(self) -> list[str]:
        """All registered names in alphabetical order."""
        self._discover()
        return sorted(self._classes)

    def get(self, name: str) -> type[T]:
        """The class registered as `name`.

        Raises:
            UserError: there is none.
        """
        if name not in self._classes:
            self._discover()
        if name not in self._classes:
            raise UserError(f"unknown {self.kind} '{name}': {nearest(name, self._classes)}.")
        return self._classes[name]

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        for point in sorted(entry_points(group=self.group), key=lambda p: p.name):
            try:
                loaded = point.load()
                if isinstance(loaded, type):
                    self.register(point.name)(loaded)
            except Exception as error:
                origin = point.dist.name if point.dist else "an installed package"
                warnings.warn(
                    f"the {self.kind} '{point.name}' of {origin} could not be loaded and is left out: {error}",
                    stacklevel=2,
                )


def load_plugin(path: Path) -> None:
    """Import a Python file that registers variants or datasets. It is code of the user's and is run as such.

    Raises:
        UserError: there is no such file, or it fails when it is imported.
    """
    path = path.resolve()
    if not path.is_file():
        raise UserError(f"there is no plugin file {path}; name a Python file that registers a variant.")
    name = f"harness_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"the plugin {path} is not a Python file; name one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except UserError:
        del sys.modules[name]
        raise
    except Exception as error:
        del sys.modules[name]
        raise UserError(
            f"the plugin {path} fails when it is imported ({type(error).__name__}: {error}); mend it first."
        ) from error


def _origin(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
