"""What analyses import: nothing that stands above them, and at import nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import harness.analysis

HIGHER = ("plan", "worker", "engine", "record", "serving", "report", "run", "cli")  # packages of the harness
HEAVY = ("torch", "pandas", "scipy", "matplotlib", "mlflow", "ray")
LOAD = """
import sys
import harness.analysis.claims
from harness.analysis import ANALYSES
assert len(ANALYSES.names()) > 5
print(*[name for name in sys.argv[1:] if name in sys.modules])
"""


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere, under TYPE_CHECKING and in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_no_analysis_imports_what_stands_above_it() -> None:
    files = list(Path(harness.analysis.__file__).parent.glob("*.py"))
    assert len(files) > 10
    found = {(path.name, name) for path in files for name in imported(path)}
    assert ("claims.py", "harness.analysis.base") in found
    assert [(path, name) for path, name in found if name.startswith(tuple(f"harness.{each}" for each in HIGHER))] == []


def test_a_process_that_has_all_analyses_has_imported_nothing_heavy() -> None:
    said = subprocess.run([sys.executable, "-c", LOAD, *HEAVY], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []
