"""The rows of the table of times, and of the table of speed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from harness.plan.plan import PlannedRow
from harness.report.tables.recorded_rows import RecordedRows
from harness.report.tables.row_facts import common, setting_reasons
from harness.report.tables.rows import SpeedRow, TimeRow
from harness.report.tables.summaries import mean_over_processes
from harness.report.tables.timed import Timed
from harness.statistics.estimate import LEVEL
from harness.statistics.ratios import Ratio
from harness.statistics.several import levels
from harness.suite.published import Published, look_up
from harness.worker.numbers import TimingNumbers

TREND = 0.02  # the least change within the timed samples that is told


def time_rows(published: list[Published], recorded: RecordedRows, timed: Timed) -> list[TimeRow]:
    """Return the rows of the table of times."""
    plan = recorded.plan
    trends = _trends(plan.times, timed)
    base = plan.times[plan.baseline] if plan.times else None
    return [
        _time_row(row, base, published, recorded, timed, trends.get(row.row)) for row in plan.times if base is not None
    ]


def _trends(rows: list[PlannedRow], timed: Timed) -> dict[int, Ratio]:
    """The trends of the rows whose times have changed significantly while they were timed (Holm), by row number."""
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
    recorded: RecordedRows,
    timed: Timed,
    trend: Ratio | None,
) -> TimeRow:
    trials = [trial for trial in recorded.plan.timing if trial.row == row.row]
    done = _numbers(row, recorded)
    protocol = trials[-1].work.protocol if trials else None
    batch_size = protocol.batch_size if protocol is not None else 0
    found = look_up(published, "times", row.variant, row.config, row.task)
    reasons = setting_reasons(found, row.config)
    if found is not None and found[1].batch_size not in {None, batch_size}:
        reasons.append(f"batches of {batch_size}")
    means = _known(done, lambda each: each.mean_seconds)
    others_cores = _known(done, lambda each: each.others_cores)
    statuses = [recorded.status(trial) for trial in trials]
    rated = timed.ratio(_name(row), _name(base))
    low, high = _ends(rated.ratio if rated else None)
    trend_low, trend_high = _ends(trend)
    return TimeRow(
        **common(row, "seconds", found, mean_over_processes(means) if means else None, reasons, statuses, "processes"),
        median=_median(done, lambda each: each.median_seconds),
        q25=_median(done, lambda each: each.q25_seconds),
        q75=_median(done, lambda each: each.q75_seconds),
        ratio=rated.ratio.value if rated else None,
        ratio_low=low,
        ratio_high=high,
        with_data=_median(done, lambda each: each.with_data_seconds),
        first_iteration=_median(done, lambda each: each.first_seconds),
        inference_image=_median(done, lambda each: each.inference_image_seconds),
        multiply_adds=_median(done, lambda each: each.image_multiply_adds),
        others_cores=max(others_cores, default=None),
        peak_memory_mib=_median(done, lambda each: each.peak_memory_mib),
        parameters=next((each.parameters for each in done), None),
        batch_size=batch_size,
        threads=protocol.threads if protocol is not None else 0,
        unsteady=sum(each.is_steady is False for each in done),
        drifting=sum(each.is_drifting for each in timed.of(_name(row)).values()),
        trend=trend.value if trend else None,
        trend_low=trend_low,
        trend_high=trend_high,
    )


def _ends(ratio: Ratio | None) -> tuple[float | None, float | None]:
    """The ends of a ratio's 95% interval; None if it has none."""
    return (ratio.interval(LEVEL) if ratio is not None else None) or (None, None)


def speed_rows(recorded: RecordedRows, timed: Timed) -> list[SpeedRow]:
    """Return the rows of the table of times that have a reference."""
    rows = [row for row in recorded.plan.times if row.reference is not None]
    return [_speed_row(row, recorded.plan.times[row.reference or 0], recorded, timed) for row in rows]


def _speed_row(row: PlannedRow, reference: PlannedRow, recorded: RecordedRows, timed: Timed) -> SpeedRow:
    done, other = (_numbers(each, recorded) for each in (row, reference))
    rated = timed.ratio(_name(reference), _name(row))
    low, high = _ends(rated.ratio if rated else None)
    seconds = _median(done, lambda each: each.median_seconds)
    gflop, rate = (
        _median(other, lambda each: each.iteration_gflop),
        _median(done, lambda each: each.matrix_product_gflops),
    )
    gflops = gflop / seconds if gflop is not None and seconds else None
    return SpeedRow(
        title=row.title,
        reference=reference.title,
        seconds=seconds,
        reference_seconds=_median(other, lambda each: each.median_seconds),
        faster=rated.ratio.value if rated else None,
        faster_low=low,
        faster_high=high,
        memory_mib=_median(done, _own_memory),
        reference_memory_mib=_median(other, _own_memory),
        reference_gflop=gflop,
        gflops=gflops,
        matrix_product_share=gflops / rate if gflops is not None and rate else None,
    )


def _numbers(row: PlannedRow, recorded: RecordedRows) -> list[TimingNumbers]:
    """The numbers of a row's processes that are done."""
    keys = [trial.key for trial in recorded.plan.timing if trial.row == row.row]
    return [recorded.timing[key].numbers for key in keys if key in recorded.timing]


def _own_memory(numbers: TimingNumbers) -> float | None:
    """The peak memory of a process less what it held before it built the model."""
    if numbers.peak_memory_mib is None or numbers.memory_before_mib is None:
        return None
    return numbers.peak_memory_mib - numbers.memory_before_mib


def _known(done: Iterable[TimingNumbers], number: Callable[[TimingNumbers], float | None]) -> list[float]:
    """A number of each process in which it was measured."""
    return [value for each in done if (value := number(each)) is not None]


def _median(done: Sequence[TimingNumbers], number: Callable[[TimingNumbers], float | None]) -> float | None:
    """The median of a number over processes; None where none is done, or an older version did not measure it."""
    known = _known(done, number)
    return float(np.median(known)) if known else None
