"""The package `variants` that belongs to the harness is the one that is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import variants

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("there", ["variants/notes.txt", "variants/__init__.py", "variants.py", "variants"], ids=str)
def test_something_of_its_name_in_the_working_directory(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("raise SystemExit('the wrong one')\n")
    script = (
        "import sys; sys.path.append(sys.argv[1]); import harness\n"
        "from importlib.util import find_spec; print(find_spec('variants').origin)"
    )
    command = [sys.executable, "-c", script, str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": ""})
    assert done.stdout.strip() == str(ROOT / "variants" / "__init__.py")


def test_its_modules_are_found_too() -> None:
    from variants import capsnet

    assert Path(capsnet.__file__).parent == Path(variants.__file__).parent
