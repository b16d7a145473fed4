"""What a process imports with the analyses: at import nothing heavy, since every trial's process has them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "pandas", "scipy", "matplotlib", "mlflow", "ray")
LOAD = """
import sys
import harness.analysis.claims
from harness.analysis import ANALYSES
assert len(ANALYSES.names()) > 5
print(*[name for name in sys.argv[1:] if name in sys.modules])
"""


def test_a_process_that_has_all_analyses_has_imported_nothing_heavy() -> None:
    said = subprocess.run([sys.executable, "-c", LOAD, *HEAVY], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []
