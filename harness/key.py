"""A trial's key: a hash of what is measured, so that equal keys need to be measured once."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = 2  # raised when a change of the engine changes what a trial measures
SHARED = "variants"  # a variant may build on the modules of this package


def trial_key(measured: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that depend on the content alone, not on the order of its keys."""
    text = json.dumps({"schema": SCHEMA, **measured}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def source_digest(module: str) -> str:
    """A hash of a module's source and of what it imports from its own package or from `variants`."""
    return _digest(module)


@cache
def _digest(module: str) -> str:
    pending, seen = [module], {}
    while pending:
        name = pending.pop()
        path = _file_of(name)
        # A package's __init__ only gathers names, unless the variant itself stands in it.
        if name in seen or path is None or (path.name == "__init__.py" and name != module):
            continue
        source = path.read_bytes().replace(b"\r\n", b"\n")
        seen[name] = hashlib.sha256(source).hexdigest()
        homes = {module.partition(".")[0], SHARED}
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        pending += [found for found in _imports(source, package) if found.partition(".")[0] in homes]
    # Module names of plugins hold a path; only the order of contents may depend on them.
    contents = [seen.pop(module, "")] + [seen[name] for name in sorted(seen)]
    return hashlib.sha256("".join(contents).encode()).hexdigest()[:16]


def _file_of(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
    else:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            return None
        file = spec.origin if spec else None
    path = Path(file) if file else None
    return path if path and path.suffix == ".py" else None


def _imports(source: bytes, package: str) -> list[str]:
    """The modules that a source in a package imports, `from package import module` included."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return found
