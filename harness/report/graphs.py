"""What the figures of a report are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

Curve = list[tuple[float, float]]  # epoch and value


@dataclass(frozen=True)
class Graphs:
    """Data by the title of a row.

    curves: errors in training, percent over epochs, one curve for each seed; by task, then by title.
    samples: seconds of single iterations, one list for each process.
    activities: mean activities of primary capsules, the most active first; one list for each seed.
    couplings: their mean couplings to the shown class; likewise.
    costs: task, title, seconds per training iteration and test error in percent.
    """

    curves: dict[str, dict[str, list[Curve]]]
    samples: dict[str, list[list[float]]]
    activities: dict[str, list[list[float]]]
    couplings: dict[str, list[list[float]]]
    costs: list[tuple[str, str, float, float]]
