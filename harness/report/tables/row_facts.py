"""What both tables say of a row: the published number, the measured one, and how they differ in settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.plan.plan import PlannedRow
from harness.report.tables.rows import UNPUBLISHED
from harness.report.tables.summaries import Summary
from harness.suite.matching import same
from harness.suite.published import Number, PublishedTable


def setting_reasons(found: tuple[Number, PublishedTable] | None, config: dict[str, Any]) -> list[str]:
    """List how the settings of a row differ from the published ones."""
    if found is None:
        return [UNPUBLISHED]
    number, table = found
    reasons = [
        f"{name} {config.get(name)} instead of {value}"
        for name, value in table.setting.items()
        if not same(config.get(name), value)
    ]
    return reasons + [text for text in (number.differs, table.differs) if text]


def common(
    row: PlannedRow,
    unit: str,
    found: tuple[Number, PublishedTable] | None,
    summary: Summary | None,
    reasons: list[str],
    statuses: Sequence[str],
    over: str,
) -> dict[str, Any]:
    """Return the fields of `TableRow`.

    Arguments:
        statuses: of the row's trials; `over` says what they repeat.
    """
    done = statuses.count("done")
    incomplete = f"{done} of {len(statuses)} {over}" if 0 < done < len(statuses) else ""
    missing = {status for status in statuses if status != "done"}
    return {
        "variant": row.variant,
        "label": row.label,
        "config": row.config,
        "task": row.task,
        "unit": unit,
        "published": found[0].value if found else None,
        "published_standard_error": found[0].standard_error if found else None,
        "measured": summary.mean if summary else None,
        "standard_error": summary.standard_error if summary else None,
        "low": summary.low if summary else None,
        "high": summary.high if summary else None,
        "n": summary.n if summary else 0,
        "standard_error_over": summary.over if summary else over,
        "comparable": not reasons and not incomplete,
        "reasons": tuple(reasons),
        "incomplete": incomplete,
        "unlike": found[0].differs if found else "",
        "status": "done" if not missing else ", ".join(sorted(missing)),
    }
