"""The version of the code that a run is made with."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

GIT_TIMEOUT = 5  # seconds
CODE_FOLDERS = ("variants", "suites")  # beside the harness's own, where untracked code would be run


def code_version() -> dict[str, str]:
    """Return the package's version and, in a git checkout, its commit and whether it is dirty, as text by name.

    Untracked Python files count as changes in the folders that code is run from.
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
        added = _git(
            folder.parent, "ls-files", "--others", "--", *(f"{name}/*.py" for name in (folder.name, *CODE_FOLDERS))
        )
        found |= {"commit": commit, "dirty": str(bool(changed or added)).lower()}
    return found


def _git(folder: Path, *arguments: str) -> str:
    """Return the output of git; empty if there is no git or no checkout."""
    try:
        said = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=GIT_TIMEOUT, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()
