"""`harness data`: fetch, verify and show datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import say
from harness.cli.inputs import load_plugins
from harness.cli.options import AsJson, DataDir, Plugins
from harness.cli.output import Lines, print_lines
from harness.cli.streams import standard_output
from harness.errors import UserError

FETCHED = ("mnist", "affnist")  # where none is named
SHADES = " ░▒▓█"

data_app = typer.Typer(help="Datasets: fetch, verify, show.", no_args_is_help=True)


@data_app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…")] = None,
    data_dir: DataDir = None,
    plugin: Plugins = None,
) -> None:
    """Fetch and verify datasets; MNIST and affNIST if none is named."""
    from harness.data import data_folder, tasks

    load_plugins(plugin)
    folder = data_folder(data_dir)
    for name in names or FETCHED:
        tasks.fetch(name, folder, say)
        say(f"{name}: ready in {folder}")


@data_app.command()
def verify(data_dir: DataDir = None, plugin: Plugins = None, as_json: AsJson = False) -> None:
    """Verify the datasets that are there: their digests, and that they are valid."""
    with standard_output(alone=as_json) as out:
        load_plugins(plugin)
        lines = verify_data(data_dir)
        print_lines(lines, as_json, out)
    if any(line["state"] == "damaged" for line in lines):
        raise typer.Exit(1)


@data_app.command()
def show(name: str, index: int = 0, data_dir: DataDir = None, plugin: Plugins = None) -> None:
    """Draw an image of a dataset's test set in the terminal."""
    from harness.data import data_folder

    with standard_output() as out:
        load_plugins(plugin)
        print(_draw(name, index, data_folder(data_dir)), file=out)


def verify_data(chosen: Path | None) -> Lines:
    """Verify each dataset: it is ready, missing, or damaged, if anything else keeps it from loading."""
    from harness.data import DATASETS, Missing, data_folder, tasks

    folder = data_folder(chosen)
    found = []
    for name in DATASETS.names():
        try:
            data = tasks.load(name, folder)
        except UserError as error:
            state = "missing" if isinstance(error, Missing) else "damaged"
            found.append({"name": name, "state": state, "details": str(error)})
            continue
        tests = ", ".join(f"{test}: {len(examples.labels):,}" for test, examples in data.tests.items())
        remarks = "".join(f"; {remark}" for remark in tasks.identify(name, folder).remarks)
        details = f"train: {len(data.train.labels):,}, {tests}{remarks}"
        found.append({"name": name, "state": "ready", "details": details})
    return found


def _draw(name: str, index: int, folder: Path) -> str:
    """Draw an image of a dataset's first test set in characters, two to a pixel, above its label.

    Raises:
        UserError: no such image.
    """
    from harness.data import tasks

    data = tasks.load(name, folder)
    test, examples = next(iter(data.tests.items()))
    if not 0 <= index < len(examples.labels):
        raise UserError(f"--index is {index}; {test} has images 0 to {len(examples.labels) - 1}.")
    shades = (examples.images[index].astype(int) * (len(SHADES) - 1) + 254) // 255
    lines = ["".join(SHADES[shade] * 2 for shade in line) for line in shades]
    return "\n".join([*lines, f"{test}, image {index}: {examples.labels[index]}"])
