"""Evidence that tests of verdicts make by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.analysis.rows import Model, Rows, TrainedRow
from harness.report.judging.evidence import Evidence
from harness.report.tables.pairs import Pair
from harness.report.tables.rows import ErrorRow
from harness.report.tables.timed import Rated
from harness.statistics.estimate import Estimate
from harness.statistics.ratios import Ratio

SEEDS = 6


def row(variant: str, label: str = "", **known: Any) -> ErrorRow:
    """A row that was run as in the paper with six seeds, if nothing else is said."""
    told: dict[str, Any] = {
        "config": {},
        "task": "mnist",
        "unit": "percent",
        "published": 1.0,
        "published_standard_error": None,
        "measured": 1.0,
        "standard_error": 0.04,
        "low": 0.9,
        "high": 1.1,
        "n": SEEDS,
        "standard_error_over": "seeds and images",
        "comparable": True,
        "reasons": (),
        "incomplete": "",
        "unlike": "",
        "status": "done",
        "test": "mnist",
        "images": 10_000,
        "iterations": 1,
        "fraction": 1.0,
        "other_tests": {},
        "unlearned": 0,
        "chance": 90.0,
        "falling": 0.0,
    }
    return ErrorRow(variant=variant, label=label, **{**told, **known})


ROWS = [
    row("a", "1", config={"k": 1}, reasons=("width 64 instead of 256", "one; seed")),
    row("a", "2", config={"k": 2}, reasons=("one; seed",)),
    row("b", reasons=("nothing published",)),
    row("b", task="affnist"),
]


def evidence_of(**known: Any) -> Evidence:
    """What is known, by the titles of rows."""

    def pairs(one: Any, other: Any) -> Pair | None:
        return known.get("pairs", {}).get((one.title, other.title))

    def contrast(ones: Any, others: Any) -> Estimate | None:
        return known.get("contrasts", {}).get((len(ones), len(others)))

    def over_seeds(one: Any) -> Estimate | None:
        found: Estimate | None = known.get("over_seeds", Estimate(1.0, 0.1 / 2.5706, 5))  # 0.9 to 1.1
        return found

    def ratios(one: Any, other: Any) -> Rated | None:
        found = known.get("ratios", {}).get((one.title, other.title))
        return Rated(found) if isinstance(found, Ratio) else found

    def rows_of(analysis: str) -> Rows:
        activity = known.get("activity", {}) if analysis == "capsule_activity" else {}
        return Rows(analysis, [trained(each, activity.get(each.title, [])) for each in rows])

    rows: Any = known.get("rows", ROWS)
    return Evidence(rows, rows, pairs, contrast, over_seeds, ratios, rows_of)


def trained(one: ErrorRow, activity: list[dict[str, list[float]]]) -> TrainedRow:
    """The row as an analysis sees it, with what was measured of each seed's model."""
    arrays = [{name: np.array(values) for name, values in each.items()} for each in activity]
    return TrainedRow(
        title=one.title,
        task=one.task,
        short_title=f"short {one.title}",
        short_task=f"short {one.task}",
        variant=one.variant,
        config=one.config,
        models=[Model(seed, arrays=lambda each=each: each) for seed, each in enumerate(arrays)],  # type: ignore[misc]
    )
