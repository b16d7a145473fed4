"""Which version of the code a run was made with."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PATIENCE = 5  # seconds
ROOMS = ("variants", "suites")  # folders beside the harness's own where code is found that git may not know


def code_version() -> dict[str, str]:
    """The package's version and, in a git checkout, its commit and whether files differ from it, as text by name.

    A Python file that git does not know counts where it would be run.
    """
    found = {}
    try:
        found["version"] = version("capsule-harness")
    except PackageNotFoundError:
        found["version"] = "not installed"
    folder = Path(__file__).parent
    commit = _git(folder, "rev-parse", "HEAD") if _git(folder, "ls-files", Path(__file__).name) else ""
    if commit:  # of a checkout of the harness, not of one that it is merely installed in
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
        added = _git(folder.parent, "ls-files", "--others", "--", *(f"{room}/*.py" for room in (folder.name, *ROOMS)))
        found |= {"commit": commit, "dirty": str(bool(changed or added)).lower()}
    return found


def _git(folder: Path, *arguments: str) -> str:
    """What git says, or nothing where there is no git or no checkout."""
    try:
        said = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()
