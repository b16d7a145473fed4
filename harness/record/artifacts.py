"""Write and read the files of a run, which hold what is too large for metrics."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from harness.record.arrays import Damaged, read_arrays, write_arrays
from harness.worker.numbers import TRAIN_ERROR
from harness.worker.result import Result

PREDICTIONS = "predictions.npz"
ANALYSES = "analyses"  # the folder of what analyses have measured, a file each
CURVE_FILE, SAMPLES = "curve.json", "samples_seconds.json"
LABELS = "|labels"  # what is added to a test's name
MAX_TEXT_BYTES = 2**26  # of a text file that is read

Predictions = dict[str, tuple[np.ndarray, np.ndarray]]
T = TypeVar("T")


def save_result(result: Result, folder: Path) -> None:
    """Write the files of a result to a folder: curve, raw samples, predictions with true classes, arrays of analyses.

    The numbers and the model are stored elsewhere.
    """
    if result.history:
        curve = [dataclasses.asdict(point) for point in result.history]
        (folder / CURVE_FILE).write_text(json.dumps(curve, indent=1))
    if result.samples:
        (folder / SAMPLES).write_text(json.dumps(result.samples, indent=1))
    if result.predictions:
        labels = {name + LABELS: labels for name, labels in result.labels.items()}
        write_arrays(folder / PREDICTIONS, {**result.predictions, **labels})
    for name, arrays in result.arrays.items():
        (folder / ANALYSES).mkdir(exist_ok=True)
        write_arrays(folder / ANALYSES / f"{name}.npz", arrays)


def read_predictions(path: Path) -> Predictions:
    """Read predicted and true classes by test, integers (images,) each.

    Raises:
        Damaged: the file can't be read, or holds something else.
    """
    arrays = read_arrays(path)
    found = {name: (arrays[name], arrays[name + LABELS]) for name in arrays if name + LABELS in arrays}
    for name, pair in found.items():
        if any(each.ndim != 1 or each.dtype.kind not in "ui" for each in pair) or len(pair[0]) != len(pair[1]):
            raise Damaged(f"the predictions of {name} are no classes of as many images as there are labels")
    return found


def read_curve(path: Path) -> list[tuple[float, float]]:
    """Read the epoch and the error in training, percent, of each point of a curve.

    Raises:
        Damaged: the file can't be read, or holds something else.
    """
    return _read_json(path, lambda all_: [(_number(p["epoch"]), _number(p["metrics"][TRAIN_ERROR])) for p in all_])


def read_numbers(path: Path) -> dict[str, list[float]]:
    """Read lists of numbers by name, such as samples.

    Raises:
        Damaged: the file can't be read, or holds something else.
    """
    return _read_json(path, lambda all_: {str(name): [_number(x) for x in some] for name, some in all_.items()})


def read_text(path: Path) -> str:
    """Read a text of at most `MAX_TEXT_BYTES`.

    Raises:
        Damaged: the file is longer, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEXT_BYTES + 1)
        if len(content) > MAX_TEXT_BYTES:
            raise Damaged(f"it is larger than {MAX_TEXT_BYTES >> 20} MiB")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(str(error)) from None


def _read_json(path: Path, make: Callable[[Any], T]) -> T:
    text = read_text(path)
    try:
        return make(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise Damaged(f"it does not hold what it should ({type(error).__name__})") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)
