"""The evidence of a simulated report, and what it says of claims."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from harness.analysis.rows import Model, Rows, TrainedRow
from harness.report.judging.evidence import Evidence
from harness.report.judging.verdicts import judge
from harness.report.tables.pairs import Mistakes, Pair, contrast_of, pair_of
from harness.report.tables.rows import ErrorRow, TableRow, TimeRow, Verdict
from harness.report.tables.timed import Rated, Timed
from harness.statistics.crossed import over_seeds
from harness.statistics.estimate import Estimate
from harness.suite.claims import Claim

TASK = "digits"
CLAIM: TypeAdapter[Any] = TypeAdapter(Claim)


def claim(kind: str, **known: Any) -> Any:
    """A claim on the task of all simulations."""
    task = {} if kind == "time_ratio" else {"task": TASK}
    return CLAIM.validate_python({"kind": kind, "sentence": "so it is", **task, **known})


def rows(variant: str, number: int | None = None) -> dict[str, Any]:
    """The rows of a variant, or one of them, as claims name them."""
    return {"variant": variant} | ({"config": {"number": number}} if number is not None else {})


def words(claims: Sequence[Any], evidence: Evidence) -> list[Verdict]:
    """The verdicts on claims."""
    return judge(claims, evidence)


def decided(claims: Sequence[Any], evidence: Evidence) -> dict[str, bool]:
    """Whether any of the claims is reproduced, contradicted, or either."""
    found = {verdict.word for verdict in judge(claims, evidence)}
    reproduced, contradicted = "reproduced" in found, "contradicted" in found
    return {"reproduced": reproduced, "contradicted": contradicted, "decided": reproduced or contradicted}


def of_errors(variants: Mapping[str, Sequence[Mistakes]]) -> Evidence:
    """Rows of errors by variant, run as in the paper, with what their models got wrong."""
    known = {f"{name} {n}": each for name, group in variants.items() for n, each in enumerate(group)}
    table = [_error_row(name, n, each) for name, group in variants.items() for n, each in enumerate(group)]

    def pair(row: TableRow, other: TableRow) -> Pair | None:
        return pair_of(known[row.title], known[other.title])

    def contrast(ours: Sequence[TableRow], theirs: Sequence[TableRow]) -> Estimate | None:
        return contrast_of([known[row.title] for row in ours], [known[row.title] for row in theirs])

    def seeds(row: TableRow) -> Estimate | None:
        return over_seeds(known[row.title].table)

    return dataclasses.replace(_nothing(), errors=table, pair=pair, contrast=contrast, over_seeds=seeds)


def of_activity(models: Mapping[str, list[dict[str, np.ndarray]]]) -> Evidence:
    """Rows of errors, one a variant, with the activities and couplings of their models."""
    table = [_row(ErrorRow, name, 0, task=TASK, unlearned=0, fraction=1.0) for name in models]

    def trained(row: ErrorRow) -> TrainedRow:
        return TrainedRow(
            title=row.title,
            task=row.task,
            short_title=row.title,
            short_task=row.task,
            variant=row.variant,
            config=row.config,
            models=[Model(seed, arrays=lambda each=each: each) for seed, each in enumerate(models[row.variant])],  # type: ignore[misc]
        )

    return dataclasses.replace(_nothing(), errors=table, rows_of=lambda name: Rows(name, list(map(trained, table))))


def of_times(timed: Timed) -> Evidence:
    """Rows of times, whose variant and number are written as in the title."""
    table = [_row(TimeRow, *_parts(title), task=TASK) for title, _ in timed.processes]

    def ratio(row: TableRow, other: TableRow) -> Rated | None:
        return timed.ratio((row.title, TASK), (other.title, TASK))

    return dataclasses.replace(_nothing(), times=table, ratio=ratio)


def _nothing() -> Evidence:
    return Evidence([], [], lambda *_: None, lambda *_: None, lambda _: None, lambda *_: None, Rows)


def _parts(title: str) -> tuple[str, int]:
    variant, number = title.split()
    return variant, int(number)


def _error_row(variant: str, number: int, mistakes: Mistakes) -> ErrorRow:
    table = mistakes.table
    known = {"measured": 100 * float(table.mean()), "n": len(table), "unlearned": 0, "fraction": 1.0}
    return _row(ErrorRow, variant, number, task=TASK, **known)


def _row(kind: Any, variant: str, number: int, **known: Any) -> Any:
    unknown = dict.fromkeys(field.name for field in dataclasses.fields(kind))
    fixed = {"variant": variant, "label": str(number), "config": {"number": number}, "reasons": (), "incomplete": ""}
    return kind(**{**unknown, **fixed, **known})
