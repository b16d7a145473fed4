"""The folders of the tests are those of the code, and the harness mentions no variant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from variants import VARIANTS

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "harness"
SEVERAL = {  # tests of what several modules do together
    "test_entry_point.py",
    "test_foreign_code.py",
    "test_fuzz.py",
    "test_layers.py",
    "test_mirror.py",
    "test_readme.py",
    "analysis/test_built_in.py",
    "analysis/test_imports.py",
    "analysis/test_plugin.py",
    "analysis/test_separation.py",
    "drawing/test_figure_labels.py",
    "engine/test_ending.py",
    "engine/test_nodes.py",
    "record/test_commands.py",
    "record/test_login.py",
    "record/test_outage.py",
    "record/test_record.py",
    "record/test_rejection.py",
    "report/test_error_rates.py",
    "report/test_large.py",
    "report/test_learned.py",
    "report/render/test_html.py",
    "suite/test_documentation.py",
    "worker/test_resuming.py",
}


def is_of_a_module(test: Path) -> bool:
    """Whether harness/ has the module or package that a file of tests is named after, in the same place."""
    place = ROOT / "harness" / test.relative_to(TESTS).parent
    name = test.stem.removeprefix("test_")
    names = {name, name.removesuffix("_command")} if place.name == "cli" else {name}
    return any((place / f"{each}.py").is_file() or (place / each).is_dir() for each in names)


def test_each_file_of_tests_belongs_to_a_module_or_is_listed() -> None:
    files = list(TESTS.rglob("test_*.py"))
    assert len(files) > 100
    assert {test.relative_to(TESTS).as_posix() for test in files if not is_of_a_module(test)} == SEVERAL


def test_the_folders_of_the_tests_are_those_of_the_harness() -> None:
    folders = {test.parent.relative_to(TESTS) for test in TESTS.rglob("test_*.py")}
    assert [folder for folder in sorted(folders) if not (ROOT / "harness" / folder).is_dir()] == []


@pytest.mark.parametrize("name", ["capsnet", "cnn", "lcapsnet"])
def test_the_harness_mentions_no_built_in_variant(name: str) -> None:
    assert name in VARIANTS.names()
    modules = list((ROOT / "harness").rglob("*.py"))
    assert len(modules) > 100
    word = re.compile(rf"(?<![a-z]){name}(?![a-z])")
    assert [path.relative_to(ROOT) for path in modules if word.search(path.read_text(encoding="utf-8"))] == []
