"""How and where the numbers of a report were obtained, in lines of text."""

from __future__ import annotations

from harness.report.tables.rows import Tables
from harness.text import duration


def conditions(tables: Tables) -> str:
    """The suite, profile, budget and precision of the run, in one line."""
    parts = [f"suite {tables.suite}", f"profile {tables.profile}" if tables.profile else "no profile"]
    if tables.budget is not None:
        parts.append(f"budget {duration(tables.budget)}")
    if tables.errors and tables.fraction is not None:
        parts.append(
            f"{tables.fraction:.3%} of each training protocol"
            if tables.fraction < 1
            else "all of each training protocol"
        )
    if tables.precision != "float32":
        parts.append(f"precision {tables.precision}")
    return ", ".join(parts)


def method_lines(tables: Tables) -> list[str]:
    """How each number was obtained, in a sentence for each group of rows."""
    return [
        f"{method.what} ({method.rows}): {method.text}{f' From: {method.source}' if method.source else ''}"
        for method in tables.methods
    ]


def overhead_line(tables: Tables) -> str:
    """The time that the harness itself took, in one line; empty if nothing was run."""
    seconds = tables.overhead
    if not seconds:
        return ""
    return (
        f"The harness: first trial {seconds['startup_seconds']:.1f} s after the command, first training step "
        f"{seconds['first_step_seconds']:.1f} s; {seconds['setup_seconds']:.1f} s from a trial's begin to its first "
        f"step; {tables.overhead['share']:.1%} of the trials' time went by between trials."
    )


def environments_line(tables: Tables) -> str:
    """A warning where rows come from different machines or versions; else empty."""
    if tables.environments < 2:
        return ""
    return f"The rows come from {tables.environments} different environments: compare them with care."
