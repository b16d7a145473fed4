"""The rows of the table of times, and of the table of speed."""

from __future__ import annotations

import pandas as pd

from harness.plan.plan import Plan, PlannedRow
from harness.plan.trial import TimingWork
from harness.report.tables.row_facts import common, setting_reasons
from harness.report.tables.rows import SpeedRow, TimeRow
from harness.report.tables.summaries import mean_over_processes
from harness.report.tables.timed import Timed
from harness.statistics.estimate import LEVEL
from harness.statistics.ratios import Ratio
from harness.statistics.several import levels
from harness.suite.published import Published, look_up

ITERATION = "time/iteration"
TREND = 0.02  # the least change within the timed samples that is told


def time_rows(plan: Plan, published: list[Published], joined: pd.DataFrame, timed: Timed) -> list[TimeRow]:
    """The rows of the table of times.

    Arguments:
        joined: a line for each trial of the plan, with what is recorded of it.
    """
    lines = joined[joined["kind"] == "timing"]
    trends = _trends(plan.times, timed)
    base = plan.times[plan.baseline] if plan.times else None
    works = {trial.row: trial.work for trial in plan.timing}
    return [
        _time_row(row, base, published, lines[lines["row"] == row.row], works.get(row.row), timed, trends.get(row.row))
        for row in plan.times
        if base is not None
    ]


def _trends(rows: list[PlannedRow], timed: Timed) -> dict[int, Ratio]:
    """The rows whose times are shown to have changed while they were timed (Holm), by number."""
    found = [
        (row.row, trend, p) for row in rows if (trend := timed.trend(_name(row))) and (p := trend.p(1)) is not None
    ]
    passed = zip(found, levels([p for _, _, p in found]), strict=True)
    return {number: trend for (number, trend, p), level in passed if p < level and abs(trend.value - 1) > TREND}


def _name(row: PlannedRow) -> tuple[str, str]:
    return row.title, row.task


def _time_row(
    row: PlannedRow,
    base: PlannedRow,
    published: list[Published],
    lines: pd.DataFrame,
    work: TimingWork | None,
    timed: Timed,
    trend: Ratio | None,
) -> TimeRow:
    done = lines[lines["status"] == "done"]
    batch_size = work.protocol.batch_size if work is not None else 0
    found = look_up(published, "times", row.variant, row.config, row.task)
    reasons = setting_reasons(found, row.config)
    if found is not None and found[1].batch_size not in {None, batch_size}:
        reasons.append(f"batches of {batch_size}")
    means = done[f"{ITERATION}_mean_seconds"].tolist() if len(done) else []
    rated = timed.ratio(_name(row), _name(base))
    low, high = _ends(rated.ratio if rated else None)
    trend_low, trend_high = _ends(trend)
    return TimeRow(
        **common(row, "seconds", found, mean_over_processes(means) if means else None, reasons, lines, "processes"),
        median=_median(done, f"{ITERATION}_median_seconds"),
        q25=_median(done, f"{ITERATION}_q25_seconds"),
        q75=_median(done, f"{ITERATION}_q75_seconds"),
        ratio=rated.ratio.value if rated else None,
        ratio_low=low,
        ratio_high=high,
        with_data=_median(done, "time/with_data_median_seconds"),
        first_iteration=_median(done, "time/first_iteration_seconds"),
        inference_image=_median(done, "time/inference_image_median_seconds"),
        multiply_adds=_median(done, "model/image_multiply_adds"),
        others_cores=float(done["machine/others_cores"].max())
        if "machine/others_cores" in done and len(done)
        else None,
        peak_memory_mib=_median(done, "memory/peak_mib"),
        parameters=int(done["model/parameters"].iloc[0]) if len(done) else None,
        batch_size=batch_size,
        threads=work.protocol.threads if work is not None else 0,
        unsteady=int((done["time/is_steady"] == 0).sum()) if len(done) else 0,
        drifting=sum(each.is_drifting for each in timed.of(_name(row)).values()),
        trend=trend.value if trend else None,
        trend_low=trend_low,
        trend_high=trend_high,
    )


def _ends(ratio: Ratio | None) -> tuple[float | None, float | None]:
    """Of a ratio's 95% interval; None where there is none."""
    return (ratio.interval(LEVEL) if ratio is not None else None) or (None, None)


def speed_rows(plan: Plan, joined: pd.DataFrame, timed: Timed) -> list[SpeedRow]:
    """The rows of the table of times that have a reference."""
    lines = joined[(joined["kind"] == "timing") & (joined["status"] == "done")]
    rows = [row for row in plan.times if row.reference is not None]
    return [_speed_row(row, plan.times[row.reference or 0], lines, timed) for row in rows]


def _speed_row(row: PlannedRow, reference: PlannedRow, lines: pd.DataFrame, timed: Timed) -> SpeedRow:
    done, other = (lines[lines["row"] == each.row] for each in (row, reference))
    rated = timed.ratio(_name(reference), _name(row))
    low, high = _ends(rated.ratio if rated else None)
    seconds = _median(done, f"{ITERATION}_median_seconds")
    gflop, rate = _median(other, "model/iteration_gflop"), _median(done, "machine/matrix_product_gflops")
    gflops = gflop / seconds if gflop is not None and seconds else None
    return SpeedRow(
        title=row.title,
        reference=reference.title,
        seconds=seconds,
        reference_seconds=_median(other, f"{ITERATION}_median_seconds"),
        faster=rated.ratio.value if rated else None,
        faster_low=low,
        faster_high=high,
        memory_mib=_own_memory(done),
        reference_memory_mib=_own_memory(other),
        reference_gflop=gflop,
        gflops=gflops,
        matrix_product_share=gflops / rate if gflops is not None and rate else None,
    )


def _own_memory(done: pd.DataFrame) -> float | None:
    """The most memory that a model took, without what its process held before."""
    return float((done["memory/peak_mib"] - done["memory/before_mib"]).median()) if len(done) else None


def _median(done: pd.DataFrame, column: str) -> float | None:
    """The median of a metric; None where nothing is done, or an older harness did not measure it."""
    return float(done[column].median()) if len(done) and column in done else None
