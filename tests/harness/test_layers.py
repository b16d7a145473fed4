"""The packages of harness/ have one order, and no import goes from a lower one to a higher one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# from low to high: a package or module imports from those before its line, and from itself
FLOORS = (
    {"errors", "text", "files", "process", "boot", "provenance", "randomness", "compiler_folders", "device"},
    {"textfile", "paths", "elapsed"},
    {"plugins"},
    {"registry"},
    {"variants"},
    {"data", "suite", "statistics", "drawing"},
    {"analysis"},
    {"plan"},
    {"worker"},
    {"engine"},
    {"record"},
    {"serving", "report", "preview"},
    {"run"},
    {"harness", "cli"},
    {"__main__"},
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in sorted(rooms)}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("harness", "variants")
    for path in (ROOT / package).rglob("*.py")
}


def room_of(module: str) -> str:
    """The room of a module: a folder or file of harness/, or all of variants/."""
    package, *rest = module.split(".")
    return rest[0] if package == "harness" and rest else package


def imports_of(module: str) -> Iterator[str]:
    """The modules of the project that one imports, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found = name if name in MODULES else name.rpartition(".")[0]
            if found in MODULES and found != module:
                yield found


IMPORTS = {module: sorted(set(imports_of(module))) for module in MODULES}


def test_every_room_has_its_place() -> None:
    assert {room_of(module) for module in MODULES} == LEVEL.keys()


@pytest.mark.parametrize("room", sorted(LEVEL))
def test_no_import_goes_up(room: str) -> None:
    upward = [
        (module, other)
        for module in MODULES
        if room_of(module) == room
        for other in IMPORTS[module]
        if room_of(other) != room and LEVEL[room_of(other)] >= LEVEL[room]
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = {module: set(others) for module, others in IMPORTS.items()}
    while free := {module for module, others in left.items() if not others & left.keys()}:
        left = {module: others for module, others in left.items() if module not in free}
    assert circle_in(left) == []


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    """A circle among modules of which each imports another one of them; empty if there are no modules."""
    if not imports:
        return []
    way = [min(imports)]
    while way[-1] not in way[:-1]:
        way.append(min(imports[way[-1]] & imports.keys()))
    return way[way.index(way[-1]) :]


def test_a_circle_is_found() -> None:
    circle = circle_in({"a": {"b"}, "b": {"c", "x"}, "c": {"b"}})
    assert circle in (["b", "c", "b"], ["c", "b", "c"])
    assert all(one != other for one, other in pairwise(circle))


def test_models_know_of_the_harness_only_where_they_register() -> None:
    known = {other for module in MODULES if room_of(module) == "variants" for other in IMPORTS[module]}
    assert {other for other in known if room_of(other) != "variants"} == {"harness.registry"}
