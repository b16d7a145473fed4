"""The table of training times, and that of other costs of the same rows."""

from __future__ import annotations

from harness.report.render.cells import NONE, measured, number, signed
from harness.report.render.notes import comparability_notes, standard_error_note
from harness.report.render.text_table import TextTable
from harness.report.tables.rows import Tables, TimeRow
from harness.report.tables.timed import DRIFTED
from harness.worker.timing.contention import MAX_CONTENTION


def time_table(tables: Tables) -> TextTable:
    columns = ["Method", "paper", "ours", "diff.", "median", "ratio", "95%", "+data"]
    rows = [_time_cells(row) for row in tables.times]
    first = tables.times[0]
    notes = [
        standard_error_note(tables.times),
        *comparability_notes(tables.times),
        f"Batches of {first.batch_size}, {first.threads} threads; every process alone on its machine, in randomised "
        f"blocks. Ours: the mean over processes of each one's mean. Ratio: of the processes' medians to that of "
        f"{tables.baseline} in the same block, the geometric mean over the blocks, with the interval of Student's t "
        f"of its logarithms from three blocks on. +data: median of the whole step, the making of its batch included.",
    ]
    notes += [*_machine_notes(tables), *(note for row in tables.times for note in _doubt_notes(row))]
    return TextTable(tables.time_title, columns, rows, notes, is_main=True)


def _time_cells(row: TimeRow) -> list[str]:
    flag = "" if row.comparable else "*"
    interval = f"{row.ratio_low:.2f}–{row.ratio_high:.2f}" if row.ratio_low is not None else NONE
    return [
        row.title,
        number(row.published, 4),
        measured(row.measured, row.standard_error, 4, row.status),
        signed(row.difference, 3) + (flag if row.difference is not None else ""),
        number(row.median, 4),
        number(row.ratio, 2),
        interval,
        number(row.with_data, 4),
    ]


def _machine_notes(tables: Tables) -> list[str]:
    """Notes on the drift of the machine, by the times of the fixed model."""
    notes, drift = [], tables.drift
    if drift is not None:
        notes.append(
            f"A fixed model, timed before and after each process, took {drift.change:.2f} times as long in the last "
            f"round as in the first ({drift.low:.2f} to {drift.high:.2f}, by a straight line); from round to round its "
            f"time varied by {drift.spread:.1%}."
        )
    if tables.slope.value:
        notes.append(
            f"Ratios are of times without {tables.slope.value:.2f} of what the fixed model varied by on a logarithmic "
            f"scale, which takes away {tables.slope.lowers:.0%} of their variance."
        )
    return notes


def _doubt_notes(row: TimeRow) -> list[str]:
    """Notes on why the times of a row are doubtful."""
    notes = []
    if row.unsteady:
        notes.append(f"{row.title}: {row.unsteady} of {row.n} processes never became steady.")
    if row.drifting:
        notes.append(
            f"{row.title}: around {row.drifting} of {row.n} processes the fixed model's time changed by more than "
            f"{DRIFTED:.0%}."
        )
    if row.trend is not None:
        notes.append(
            f"{row.title}: the last third of the timed iterations took {row.trend:.2f} times as long as the first "
            f"({number(row.trend_low, 2)} to {number(row.trend_high, 2)}), so that it depends on how many are timed."
        )
    if row.others_cores is not None and row.others_cores > MAX_CONTENTION:
        notes.append(f"{row.title}: others kept up to {row.others_cores:.1f} processor cores busy while it was timed.")
    return notes


def cost_table(tables: Tables) -> TextTable:
    """The other costs of each row of the table of times: parameters, multiply-adds, inference, memory."""
    rows = [
        [
            row.title,
            NONE if row.parameters is None else f"{row.parameters / 1e6:.1f}M",
            NONE if row.multiply_adds is None else f"{row.multiply_adds / 1e6:,.0f}M",
            NONE if row.inference_image is None else f"{1000 * row.inference_image:.2f}",
            number(row.first_iteration, 2),
            number(row.peak_memory_mib, 0),
        ]
        for row in tables.times
    ]
    notes = [
        "Multiply-adds: of a forward pass for one image, as torch counts them with direct convolutions. Inference: "
        "milliseconds an image in batches as above. First: seconds of a process's first iteration. MiB: the most that "
        "a process held (on a GPU: allocated there).",
    ]
    columns = ["Method", "parameters", "multiply-adds", "inference ms", "first s", "MiB"]
    return TextTable("Cost of each timed row", columns, rows, notes)
