"""Measure a trained model by every registered analysis."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.base import ANALYSES, TrainedModel
from harness.data.dataset import Examples
from harness.errors import cause_of

if TYPE_CHECKING:
    from variants.contract import Output

NUMBERS = "biuf"  # kinds of arrays that can be recorded: truth values, integers and floating point

log = logging.getLogger(__name__)


def measure_all(trained: TrainedModel) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of every analysis that has measured something, by its name.

    An analysis that fails is left out with a warning in the log: it costs no trial its result.
    """
    found = {}
    for name in ANALYSES.names():
        try:
            arrays = _measured(name, trained)
        except (Exception, SystemExit) as error:  # an analysis may be the user's own, and do anything
            log.warning("the analysis '%s' of %s is left out: %s", name, type(trained.model).__name__, cause_of(error))
            continue
        if arrays:
            found[name] = arrays
    trained.model.train()
    return found


def _measured(name: str, trained: TrainedModel) -> dict[str, np.ndarray]:
    import torch

    trained.model.eval()
    with torch.inference_mode():
        return _checked(ANALYSES.get(name)().measure(trained))


def _checked(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays as NumPy arrays with names that are strings.

    Raises:
        TypeError: one of them holds anything but numbers.
    """
    found = {str(name): np.asarray(array) for name, array in arrays.items()}
    for name, array in found.items():
        if array.dtype.kind not in NUMBERS:
            raise TypeError(f"'{name}' holds {array.dtype}, and only numbers can be kept")
    return found


@dataclass(frozen=True)
class _Sample(TrainedModel):
    """A trained model that gives analyses the first batch of images alone.

    left: seconds that the other batches would have taken, for each call of `outputs`.
    """

    left: list[float] = field(default_factory=list)

    def outputs(self, examples: Examples) -> Iterator[tuple[Examples, Output]]:
        """See `Trained.outputs`. A caller that stops after the first batch is not charged for the others."""
        from harness.device import synchronize

        start = perf_counter()
        for batch, output in super().outputs(examples):
            yield batch, output
            synchronize(self.device)
            self.left.append((perf_counter() - start) * (len(examples) / len(batch) - 1))
            return


def seconds_of_all(trained: TrainedModel) -> float:
    """Estimate the seconds that `measure_all` takes, from the first batch that each analysis asks for."""
    sample = _Sample(trained.model, trained.device, trained.train, trained.test, trained.predictions)
    start = perf_counter()
    measure_all(sample)
    return perf_counter() - start + sum(sample.left)
