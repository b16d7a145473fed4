"""One registry for everything that can be added from outside: variants, datasets and analyses.

A thing gets in by three ways: a decorator in a module of the registry's own package, a Python file that the
user names, or an installed package that declares an entry point in the registry's group.
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
from harness.plugins.isolation import foreign_code
from harness.plugins.load import load_plugin
from harness.plugins.source import source_digest

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
        package: the package whose modules register themselves when they are imported; its sub-packages are left
            alone.
        group: the entry-point group by which installed packages join.
        reserved: names that mean something else.
        plural: of the kind, where it is not the kind and an s.
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
        self._registered_by: dict[str, str] = {}  # the plugin's module that did
        self._is_discovered = False

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Decorator: make a class known as `name`.

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
                self._discover()  # what comes with the package has its names first
            known = self._classes.get(name)
            if known is not None and _origin(known) != _origin(cls):
                raise UserError(
                    f"two {self._plural} are called '{name}' ({_told(known)} and {_told(cls)}); rename one of them."
                )
            self._classes[name] = cls
            self._registered_by[name] = "" if is_ours else plugins.plugin_being_loaded()
            return cls

        return add

    def names(self) -> list[str]:
        """All registered names in alphabetical order."""
        self._discover()
        return sorted(self._classes)

    def __contains__(self, name: str) -> bool:
        """Whether a class is registered as `name`."""
        try:
            self.get(name)
        except UserError:
            return False
        return True

    def get(self, name: str) -> type[T]:
        """The class registered as `name`.

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
        """The modules that a class comes from: where it and the plugins' classes under it stand, who registered it.

        Raises:
            UserError: there is no such class.
        """
        cls = self.get(name)
        bases = [base.__module__ for base in cls.__mro__ if plugins.path_of(base.__module__) is not None]
        return tuple(dict.fromkeys(filter(None, [cls.__module__, self._registered_by[name], *bases])))

    def source_digest(self, name: str) -> str:
        """The digest of the source that a class comes from; "" for a part of the harness itself.

        Raises:
            UserError: there is no such class.
        """
        return source_digest(*self.sources(name))

    @contextmanager
    def apart(self, *names: str) -> Iterator[None]:
        """Within this only what the package itself has is known, without some names; what is added is forgotten."""
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
            if not module.ispkg:  # what is shared lies in folders
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
        """Let an installed package register its class, or do so for it."""
        with foreign_code(), plugins.loading(""):
            loaded = point.load()
            if isinstance(loaded, type):
                self.register(point.name)(loaded)


def _origin(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _told(cls: type) -> str:
    """Where a class comes from, as its author knows the place."""
    path = plugins.path_of(cls.__module__)
    return f"{cls.__qualname__} of {path}" if path is not None else _origin(cls)


__all__ = ["Registry", "load_plugin", "nearest"]
