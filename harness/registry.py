"""One registry for everything that can be added from outside: variants, datasets and analyses.

A class is registered in one of three ways: by the decorator in a module of the registry's own package, by a plugin file
that the user names, or by an installed package that declares an entry point in the registry's group.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from harness.errors import UserError
from harness.plugins import load as plugins
from harness.plugins.foreign_code import foreign_code
from harness.plugins.load import load_plugin
from harness.plugins.source import source_digest

T = TypeVar("T")


def nearest(wrong: str, allowed: Iterable[str]) -> str:
    """Return the end of an error message: the closest allowed name, if there is one, and all allowed names."""
    names = sorted(allowed)
    lower, wanted = {name.lower(): name for name in names}, wrong.lower()
    close = difflib.get_close_matches(wanted, lower, n=1) or [n for n in lower if wanted and n.startswith(wanted)]
    hint = f"did you mean '{lower[close[0]]}'? " if close else ""
    return f"{hint}available: {', '.join(names) or 'none'}"


class Registry(Generic[T]):
    """Maps names to subclasses of `base`.

    Arguments:
        kind: what is registered, for messages ("variant").
        base: the class that everything registered derives from.
        package: the package whose modules register classes when they are imported; its sub-packages are not
            imported.
        group: the entry-point group of installed packages.
        reserved: names that can't be registered, because they mean something else.
        plural: of the kind, if it is not formed with an s.
    """

    def __init__(
        self,
        kind: str,
        base: type[T],
        *,
        package: str,
        group: str,
        reserved: Collection[str] = (),
        plural: str = "",
    ) -> None:
        self.kind, self.base, self.package, self.group, self.reserved = kind, base, package, group, reserved
        self._plural = plural or f"{kind}s"
        self._article = "an" if kind[0] in "aeiou" else "a"
        self._classes: dict[str, type[T]] = {}
        self._registered_by: dict[str, str] = {}  # module of the plugin that registered each name; empty if none did
        self._is_discovered = False

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Return a decorator that registers a class as `name`.

        Raises:
            UserError: the class does not derive from the base, or the name is taken by another class.
        """

        def add(cls: type[T]) -> type[T]:
            if not isinstance(name, str) or not name or name in self.reserved:
                raise UserError(f"no {self.kind} can be called {name!r}; choose another name.")
            if not (isinstance(cls, type) and issubclass(cls, self.base)):
                raise UserError(
                    f"'{name}' cannot be {self._article} {self.kind}: {cls!r} does not derive from "
                    f"{self.base.__name__}; make it a subclass."
                )
            is_ours = cls.__module__.partition(".")[0] == self.package.partition(".")[0]
            if not is_ours:
                self._discover()  # so that the package's own classes keep their names
            known = self._classes.get(name)
            if known is not None and _origin(known) != _origin(cls):
                raise UserError(
                    f"two {self._plural} are called '{name}' ({_where(known)} and {_where(cls)}); rename one of them."
                )
            self._classes[name] = cls
            self._registered_by[name] = "" if is_ours else plugins.plugin_being_loaded()
            return cls

        return add

    def names(self) -> list[str]:
        """Return all registered names in alphabetical order."""
        self._discover()
        return sorted(self._classes)

    def __contains__(self, name: str) -> bool:
        """Return whether a class is registered as `name`."""
        try:
            self.get(name)
        except UserError:
            return False
        return True

    def get(self, name: str) -> type[T]:
        """Return the class registered as `name`.

        Raises:
            UserError: there is none.
        """
        if name not in self._classes:
            self._discover()
        if name not in self._classes and plugins.load_fallback_plugins():
            return self.get(name)
        if name not in self._classes:
            raise UserError(f"unknown {self.kind} '{name}': {nearest(name, self._classes)}.")
        return self._classes[name]

    def sources(self, name: str) -> tuple[str, ...]:
        """Return the modules that a class comes from: its own, the one that registered it, and its bases in plugins.

        Raises:
            UserError: there is no such class.
        """
        cls = self.get(name)
        bases = [base.__module__ for base in cls.__mro__ if plugins.path_of(base.__module__) is not None]
        return tuple(dict.fromkeys(filter(None, [cls.__module__, self._registered_by[name], *bases])))

    def source_digest(self, name: str) -> str:
        """Return the digest of the sources of a class; "" for a class of the harness itself.

        Raises:
            UserError: there is no such class.
        """
        return source_digest(*self.sources(name))

    @contextmanager
    def apart(self, *names: str) -> Iterator[None]:
        """Inside, know only the package's own classes except `names`; what is registered inside is dropped on exit."""
        self._discover()
        before = self._classes, self._registered_by
        own = {name: cls for name, cls in self._classes.items() if cls.__module__.startswith(f"{self.package}.")}
        self._classes = {name: cls for name, cls in own.items() if name not in names}
        self._registered_by = {name: self._registered_by[name] for name in self._classes}
        try:
            yield
        finally:
            self._classes, self._registered_by = before

    def _discover(self) -> None:
        if self._is_discovered:
            return
        self._is_discovered = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg:  # sub-packages hold shared code
                importlib.import_module(f"{self.package}.{module.name}")
        for point in sorted(entry_points(group=self.group), key=lambda p: (p.name, getattr(p, "value", ""))):
            try:
                self._join(point)
            except Exception as error:
                origin = point.dist.name if point.dist else "an installed package"
                warnings.warn(
                    f"the {self.kind} '{point.name}' of {origin} could not be loaded and is left out: {error}",
                    stacklevel=2,
                )

    def _join(self, point: EntryPoint) -> None:
        """Load an entry point; if it is a class, register it by the name of the entry point."""
        with foreign_code(), plugins.loading(""):
            loaded = point.load()
            if isinstance(loaded, type):
                self.register(point.name)(loaded)


def _origin(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _where(cls: type) -> str:
    """Return the origin of a class for a message: the plugin's file, or else the module."""
    path = plugins.path_of(cls.__module__)
    return f"{cls.__qualname__} of {path}" if path is not None else _origin(cls)


__all__ = ["Registry", "load_plugin", "nearest"]
