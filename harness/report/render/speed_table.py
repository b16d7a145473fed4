"""The table that compares the times of rows with those of their reference implementations."""

from __future__ import annotations

from harness.report.render.cells import NONE, number
from harness.report.render.text_table import TextTable
from harness.report.tables.rows import Tables


def speed_table(tables: Tables) -> TextTable:
    columns = ["Method", "ref. s", "ours s", "faster", "95%", "ref. MiB", "ours MiB", "GFLOP/s", "share"]
    rows = [
        [
            row.title,
            number(row.reference_seconds, 3),
            number(row.seconds, 3),
            NONE if row.faster is None else f"{row.faster:.2f}×",
            NONE if row.faster_low is None else f"{row.faster_low:.2f}–{row.faster_high:.2f}",
            number(row.reference_memory_mib, 0),
            number(row.memory_mib, 0),
            number(row.gflops, 0),
            NONE if row.matrix_product_share is None else f"{row.matrix_product_share:.0%}",
        ]
        for row in tables.speed
    ]
    notes = [
        "Medians over processes. Ref.: the reference named below; faster: its time over ours, block by block, with its "
        "interval by Student's t, from three rounds on.",
        "GFLOP/s: the reference's arithmetic over our time; share: of the rate of a large matrix product, measured in "
        "the same processes. Over 100%, no implementation by that arithmetic could be as fast.",
        "MiB: the most that a process held, without what it held before the model was built.",
        *[f"Reference of {row.title}: {row.reference}." for row in tables.speed],
    ]
    return TextTable("Speed. Training iteration beside a reference implementation", columns, rows, notes)
