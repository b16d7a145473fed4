"""Notes below the tables of errors and of times."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.tables.rows import ErrorRow, TimeRow


def standard_error_note(rows: Sequence[ErrorRow] | Sequence[TimeRow]) -> str:
    """What ± stands for, and over how many seeds or processes."""
    over = sorted({f"{row.standard_error_over}" for row in rows if row.measured is not None})
    counts = sorted({row.n for row in rows if row.measured is not None})
    if not counts:
        return "Nothing is measured yet."
    kind = "process" if rows[0].unit == "seconds" else "seed"
    n = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    plural = kind if counts[-1] == 1 else {"process": "processes", "seed": "seeds"}[kind]
    return f"± is the standard error over {' or '.join(over)}; {n} {plural} a row."


def comparability_notes(rows: Sequence[ErrorRow] | Sequence[TimeRow]) -> list[str]:
    """Why the differences marked with * are no like-for-like comparisons, a note for each reason."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.published is not None and not row.comparable:
            for reason in row.caveats:
                reasons.setdefault(reason, []).append(f"{row.title} on {row.task}")
    flagged = sum(row.published is not None and not row.comparable for row in rows)
    notes = []
    for reason, where in reasons.items():
        scope = "all" if len(where) == flagged else ", ".join(where) if len(where) <= 3 else f"{len(where)} rows"
        notes.append(f"* not comparable ({scope}): {reason}.")
    return notes
