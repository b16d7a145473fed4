"""Digests of the source files that decide what a variant or dataset does, and what they leave out.

Watched are the module itself, its whole package, files beside a plugin, `variants`, and whatever else is imported from
a place where people write code: anything but the standard library, installed distributions and the harness, whose
changes raise `harness.plan.key.SCHEMA`. Comments, docstrings and layout do not matter.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

VARIANTS_PACKAGE = "variants"  # a variant may build on the modules of this package
HARNESS = "harness"
RECORDED_PACKAGES = ("numpy", "torch", "pydantic")  # every variant needs them, and their versions stand in each result
INSTALL_FOLDERS = {"site-packages", "dist-packages"}
loaded_texts: dict[Path, bytes] = {}  # content of plugins when they were loaded, which is what runs
MAX_NAME_CHARACTERS = 200  # characters of a text that may name a file


@dataclass(frozen=True)
class Sources:
    """The sources that some modules depend on."""

    files: dict[str, Path]  # that are watched, by module; those that were asked for come first
    packages: frozenset[str]  # installed ones that are imported, and not watched
    named: frozenset[str]  # files beside the sources that these name, and that are not watched


def source_digest(*modules: str) -> str:
    """Return sixteen hexadecimal digits for the watched sources of some modules; "" if nothing is watched."""
    return _digest(modules)


def file_digest(path: Path) -> str:
    """Return the digest of a plugin's module from its file, without importing it."""
    return _hashed(_walk({"plugin": path}))


def source_files(*modules: str) -> dict[str, Path]:
    """Return the watched sources of some modules, by module."""
    return dict(_sources(modules).files)


def imported_names(path: Path) -> set[str]:
    """Return the top-level names of the modules that a source file imports."""
    tree = _tree(path)
    return {name.partition(".")[0] for name in _imports(tree, "")} if tree is not None else set()


def unwatched(*modules: str) -> list[str]:
    """Return what may decide the results of modules and is not in their digest: distributions and data files."""
    found = _sources(modules)
    packages = found.packages - set(RECORDED_PACKAGES)
    return sorted({_distribution(name) for name in packages}) + sorted(found.named)


@cache
def engine_digest() -> str:
    """Return sixteen hexadecimal digits for the harness's files that do a trial's work, as of the first call."""
    folder = Path(__file__).parents[1]
    paths = [path for room in ("worker", "analysis", "data") for path in sorted((folder / room).rglob("*.py"))]
    contents = b"".join(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n") for path in paths)
    return hashlib.sha256(contents).hexdigest()[:16]


@cache
def _digest(modules: tuple[str, ...]) -> str:
    return _hashed(_sources(modules))


@cache
def _sources(modules: tuple[str, ...]) -> Sources:
    return _walk({module: _file_of(module) for module in modules})


def _hashed(sources: Sources) -> str:
    if not sources.files:
        return ""
    contents = "".join(_content(path) for path in sources.files.values())
    return hashlib.sha256(contents.encode()).hexdigest()[:16]


def _walk(roots: dict[str, Path | None]) -> Sources:
    """Follow all imports, starting at some modules."""
    homes = {root.partition(".")[0] for root in roots} | {VARIANTS_PACKAGE}
    beside = [str(path.parent) for path in roots.values() if path is not None]
    files: dict[str, Path] = {}
    packages, named, seen = set(), set(), set()
    pending = list(roots)
    while pending:
        name = pending.pop()
        top = name.partition(".")[0]
        # `variants/__init__.py` only collects names
        if name in seen or top == HARNESS or (name == VARIANTS_PACKAGE and name not in roots):
            continue
        seen.add(name)
        if top not in homes and not _is_watched(top, beside):
            packages |= {top} if _is_installed(top) else set()
            continue
        path = roots.get(name) or _file_of(name, beside)
        if path is None:
            continue
        files[name] = path
        pending += _parents(name)
        found = _tree(path)
        if found is not None:
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            pending += _imports(found, package)
            named |= _files_named(found, path.parent) if top != VARIANTS_PACKAGE else set()
    # Names of plugins hold a path; only the order of contents may depend on them.
    ordered = [name for name in roots if name in files] + sorted(files.keys() - roots.keys())
    return Sources({name: files[name] for name in ordered}, frozenset(packages), frozenset(named))


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _is_watched(top: str, beside: list[str]) -> bool:
    """Return whether a module is outside the standard library and installed packages."""
    if top in sys.stdlib_module_names:
        return False
    places = _places(top, beside)
    return bool(places) and not any(INSTALL_FOLDERS & set(Path(place).parts) for place in places)


def _is_installed(top: str) -> bool:
    return top not in sys.stdlib_module_names and bool(_places(top))


def _file_of(module: str, beside: list[str] | None = None) -> Path | None:
    """Return the file of a module, loaded or not, without importing anything."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
    else:
        spec = _spec(module, beside or [])
        file = spec.origin if spec is not None and spec.has_location else None
    path = Path(file) if file else None
    return path if path is not None and (path in loaded_texts or path.is_file()) else None


def _places(module: str, beside: list[str] | None = None) -> list[str]:
    """Return the location of a module: its file, or the folders of a package."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return [file] if file else list(getattr(loaded, "__path__", []))
    spec = _spec(module, beside or [])
    if spec is None:
        return []
    return [spec.origin] if spec.has_location and spec.origin else list(spec.submodule_search_locations or [])


def _spec(module: str, beside: list[str]) -> ModuleSpec | None:
    parent = module.rpartition(".")[0]
    try:
        if not parent:
            return importlib.util.find_spec(module) or PathFinder.find_spec(module, beside)
        above = sys.modules.get(parent) or _spec(parent, beside)
        folders = getattr(above, "__path__", None) or getattr(above, "submodule_search_locations", None)
        return PathFinder.find_spec(module, list(folders)) if folders else None
    except (ImportError, ValueError, AttributeError):
        return None


def _imports(tree: ast.Module, package: str) -> list[str]:
    """Return the modules that a source in a package imports, including `from package import module`."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            found += _called(node, package)
    return [name for name in found if name]


def _called(node: ast.Call, package: str) -> list[str]:
    """Return the module that `import_module("name")` or `__import__("name")` names."""
    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    first = node.args[0] if node.args else None
    if function not in {"import_module", "__import__"} or not isinstance(first, ast.Constant):
        return []
    name = str(first.value)
    return [f"{package}.{name.lstrip('.')}" if name.startswith(".") else name]


def _files_named(tree: ast.Module, folder: Path) -> set[str]:
    """Return the files beside a source that a string in it names, such as "centres.npy"."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    likely = {
        text
        for text in texts
        if 0 < len(text) <= MAX_NAME_CHARACTERS and text.isprintable() and not text.endswith(".py")
    }
    return {text for text in likely if _is_file(folder / text)}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _tree(path: Path) -> ast.Module | None:
    """Return the syntax tree of a Python source; None for anything else."""
    if path.suffix != ".py":
        return None
    try:
        return ast.parse(text_of(path))
    except (SyntaxError, ValueError):
        return None


def text_of(path: Path) -> bytes:
    """Return the content of a source file; that of a loaded plugin as it was when it was loaded."""
    return loaded_texts[path] if path in loaded_texts else path.read_bytes()


def _content(path: Path) -> str:
    """Return a hash of a file's syntax tree, or of its bytes if it is no Python source."""
    tree = _tree(path)
    said = text_of(path) if tree is None else repr(_plain(tree)).encode()
    return hashlib.sha256(said).hexdigest()


def _plain(node: Any) -> Any:
    """Return a syntax tree as nested tuples, without positions, docstrings, and empty fields that later Pythons add."""
    if isinstance(node, list):
        return tuple(_plain(each) for each in node)
    if not isinstance(node, ast.AST):
        return node
    return type(node).__name__, tuple(_fields(node))


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
        is_constant = isinstance(node, ast.Constant) and name == "value"
        if is_constant or (value not in (None, []) and name not in {"ctx", "kind", "type_comment"}):
            yield name, _plain(value)


def _distribution(top: str) -> str:
    """Return the distribution that a top-level module comes from, with its version."""
    names = packages_distributions().get(top)
    try:
        return f"{names[0]} {version(names[0])}" if names else top
    except PackageNotFoundError:
        return top
