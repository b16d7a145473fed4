"""The package of the models as a whole: what of it is shipped, what it depends on."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools import find_packages

import variants
from harness.plan.trial import SENTINEL

ROOT = Path(variants.__file__).parents[1]


def test_all_folders_are_shipped() -> None:
    include = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    shipped = find_packages(str(ROOT), include=include)
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "variants").rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} == {each for each in shipped if each.startswith("variants")}


def test_the_models_know_of_the_harness_the_registry_alone() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "variants").rglob("*.py")
        for name in imports(ast.parse(path.read_text()))
        if name.partition(".")[0] in ("harness", "ray", "mlflow")
    }
    assert found == {("variants/__init__.py", "harness.registry")}


def imports(tree: ast.Module) -> Iterator[str]:
    """The modules that a source imports, at its top or within a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_what_the_harness_calls_its_own_is_reserved() -> None:
    assert SENTINEL in variants.VARIANTS.reserved


@pytest.mark.parametrize(("variant", "setting"), [("capsnet", "routing"), ("lcapsnet", "propagation")])
def test_a_form_is_fused_or_reference(variant: str, setting: str) -> None:
    assert getattr(variants.configure(variant), setting) == "fused"
    with pytest.raises(ValueError, match=rf"{setting} of variant '{variant}' is 'lean'.*'fused' or 'reference'"):
        variants.configure(variant, **{setting: "lean"})
