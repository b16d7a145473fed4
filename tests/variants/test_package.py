"""The package of the models as a whole: what of it is shipped."""

import tomllib
from pathlib import Path

from setuptools import find_packages

import variants

ROOT = Path(variants.__file__).parents[1]


def test_all_folders_are_shipped() -> None:
    include = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    shipped = find_packages(str(ROOT), include=include)
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "variants").rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} == {each for each in shipped if each.startswith("variants")}
