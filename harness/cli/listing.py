"""What there is: variants, datasets, suites, runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from harness.errors import UserError
from harness.text import plain

Lines = list[dict[str, Any]]
SHADES = " ░▒▓█"


def list_variants(_: str) -> Lines:
    """Every registered variant, with its settings and their defaults."""
    from variants import VARIANTS

    found = []
    for name in VARIANTS.names():
        cls = VARIANTS.get(name)
        summary = (cls.__doc__ or "").strip().partition("\n")[0]
        settings = {key: field.default for key, field in cls.Config.model_fields.items()}
        found.append({"name": name, "summary": summary, "module": cls.__module__, "settings": settings})
    return found


def list_datasets(_: str) -> Lines:
    """Every registered dataset."""
    from harness.data import DATASETS

    found = []
    for name in DATASETS.names():
        cls = DATASETS.get(name)
        summary = (cls.__doc__ or "").strip().partition("\n")[0]
        size, classes = getattr(cls, "image_size", None), getattr(cls, "classes", None)  # a plugin may lack them
        found.append({"name": name, "summary": summary, "image_size": size, "classes": classes})
    return found


def list_suites(_: str) -> Lines:
    """The suites in the folder `suites`."""
    from harness.suite.schema import load_suite

    found = []
    for path in filter(Path.is_file, sorted(Path("suites").glob("*.yaml"))):
        try:
            suite = load_suite(path).suite
        except UserError as error:
            found.append({"name": path.stem, "file": str(path), "profiles": [], "description": str(error)})
            continue
        found.append(
            {
                "name": suite.name,
                "file": str(path),
                "profiles": sorted(suite.profiles),
                "description": suite.description,
            }
        )
    return found


def list_runs(address: str) -> Lines:
    """The invocations of suites that are recorded."""
    from harness.record.address import TrackingUri

    if not TrackingUri(address).exists():
        return []
    from harness.record.history import list_invocations

    return list_invocations(address, lambda text: print(plain(text), file=sys.stderr))


LISTINGS: dict[str, Callable[[str], Lines]] = {
    "variants": list_variants,
    "datasets": list_datasets,
    "suites": list_suites,
    "runs": list_runs,
}


def print_listing(lines: Lines, console: Console) -> None:
    """Lines as a table."""
    if not lines:
        console.print("none")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for column in lines[0]:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*[_cell(value) for value in line.values()])
    console.print(table, highlight=False, markup=False)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def verify_data(chosen: Path | None) -> Lines:
    """The state of each dataset's files: ready, missing, or damaged, which is all else that keeps it from loading."""
    from harness.data import DATASETS, Missing, check, data_folder

    folder = data_folder(chosen)
    found = []
    for name in DATASETS.names():
        try:
            data = check.load(name, folder)
        except UserError as error:
            state = "missing" if isinstance(error, Missing) else "damaged"
            found.append({"name": name, "state": state, "details": str(error)})
            continue
        tests = ", ".join(f"{test}: {len(examples.labels):,}" for test, examples in data.tests.items())
        remarks = "".join(f"; {remark}" for remark in check.identify(name, folder).remarks)
        details = f"train: {len(data.train.labels):,}, {tests}{remarks}"
        found.append({"name": name, "state": "ready", "details": details})
    return found


def draw(name: str, index: int, folder: Path) -> str:
    """An image of a dataset's first test set in characters, two to a pixel, above its label.

    Raises:
        UserError: no such image.
    """
    from harness.data import check

    data = check.load(name, folder)
    test, examples = next(iter(data.tests.items()))
    if not 0 <= index < len(examples.labels):
        raise UserError(f"--index is {index}; {test} has images 0 to {len(examples.labels) - 1}.")
    shades = (examples.images[index].astype(int) * (len(SHADES) - 1) + 254) // 255
    lines = ["".join(SHADES[shade] * 2 for shade in line) for line in shades]
    return "\n".join([*lines, f"{test}, image {index}: {examples.labels[index]}"])
