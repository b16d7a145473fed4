"""What tests of analyses share: a model that draws, trained models, and rows of a report."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from torch import Tensor

import variants
from harness.analysis import TrainedModel
from harness.analysis.rows import Curve, Model, Rows, TimedRow, TrainedRow
from harness.data import Examples
from variants.contract import Config, Output, Variant

CPU = torch.device("cpu")
SIZE, POSE = 8, 3


class Drawer(Variant):
    """Its digit capsules are one half everywhere, its decoder writes them into the first pixels."""

    Config = Config

    def __init__(self, config: variants.Config, *, decodes: bool = True) -> None:
        super().__init__(config)
        self.decodes = decodes

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """See `Variant.forward`."""
        digits = torch.full((len(images), self.config.classes, POSE), 0.5)
        kept = torch.nn.functional.avg_pool2d(images[:, 0], 4) * 16  # the ink of each quarter
        details = {"digits": digits, "kept": kept, "centres": torch.tensor([1.5, 5.5])}
        activities = torch.zeros(len(images), self.config.classes)
        return Output(activities, self.decode(digits, activities.argmax(1)), details if self.decodes else None)

    def decode(self, digits: Tensor, classes: Tensor) -> Tensor | None:
        """See `Variant.decode`."""
        if not self.decodes:
            return None
        pixels = torch.zeros(len(digits), SIZE * SIZE)
        pixels[:, :POSE] = digits[torch.arange(len(digits)), classes]
        return pixels


def examples(count: int = 90, size: int = SIZE) -> Examples:
    """Noise of ten classes."""
    random = np.random.default_rng(5)
    images = random.integers(0, 256, (count, size, size)).astype(np.uint8)
    return Examples(images, random.integers(0, 10, count).astype(np.uint8))


def trained(
    model: Variant, test: Examples, predictions: np.ndarray | None = None, train: Examples | None = None
) -> TrainedModel:
    """A trained model, which is right if nothing else is said."""
    return TrainedModel(model, CPU, train or test, test, test.labels if predictions is None else predictions)


def drawer(decodes: bool = True, size: int = SIZE) -> Drawer:
    """The model that draws, for images of a size."""
    return Drawer(Config(image_size=size), decodes=decodes)


def row(
    title: str,
    task: str = "a",
    *arrays: dict[str, Any],
    predictions: list[tuple[Any, Any]] | None = None,
    curves: list[Curve] | None = None,
    **known: Any,
) -> TrainedRow:
    """A row with models of which something was measured, that have answered, or that have left curves."""
    models = [Model(seed, arrays=lambda each=each: each) for seed, each in enumerate(arrays)]  # type: ignore[misc]
    if predictions is not None:
        given = [tuple(np.asarray(each) for each in pair) for pair in predictions]
        of = [dict(enumerate(arrays)).get(seed, {}) for seed in range(len(given))]
        models = [
            Model(seed, arrays=lambda seed=seed: of[seed], predictions=lambda seed=seed: given[seed])  # type: ignore
            for seed in range(len(given))
        ]
    if curves is not None:
        models = [Model(seed, curve=lambda each=each: each) for seed, each in enumerate(curves)]  # type: ignore[misc]
    return TrainedRow(**_names(title, task), models=models, **known)


def timed(title: str, *samples: list[float]) -> TimedRow:
    """A timed row with the seconds of its processes' iterations."""
    return TimedRow(**_names(title, "a"), samples=lambda: list(samples))


def _names(title: str, task: str) -> dict[str, Any]:
    return {
        "title": title,
        "task": task,
        "short_title": title,
        "short_task": task,
        "variant": title,
        "config": {},
    }


def rows(*of: TrainedRow | TimedRow, analysis: str = "x") -> Rows:
    """The rows of a report."""
    return Rows(
        analysis,
        [each for each in of if isinstance(each, TrainedRow)],
        [each for each in of if isinstance(each, TimedRow)],
    )


def y_data(line: Line2D) -> np.ndarray:
    """The heights of a line's points."""
    return np.asarray(line.get_ydata())


def pixels(image: AxesImage) -> np.ma.MaskedArray:
    """The values that an image shows, masked where it shows none."""
    shown = image.get_array()
    assert shown is not None
    return np.ma.asarray(shown)
