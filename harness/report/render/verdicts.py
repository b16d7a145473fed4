"""Verdicts on claims as lines of text."""

from __future__ import annotations

from harness.report.tables.rows import Tables, Verdict


def verdict_line(verdict: Verdict) -> str:
    """The verdict on a claim, and the claim."""
    each = f", each row alone: {verdict.each}" if verdict.each is not None else ""
    return f"{verdict.word}{each}: {verdict.sentence}{f' ({verdict.where})' if verdict.where else ''}"


def evidence_lines(tables: Tables) -> list[str]:
    """The verdict on each claim with what was measured."""
    return [
        f"{verdict_line(verdict)}. Measured: {verdict.evidence}."
        f"{f' Unlike the paper: {verdict.scope}.' if verdict.scope else ''}"
        for verdict in tables.verdicts
    ]
