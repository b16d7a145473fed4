"""Analyses of trained models: each is one file, from what it measures to the figures and verdicts of the report.

A file of this package that decorates a subclass of `Analysis` with `@register("name")` adds an analysis.
"""

from harness.analysis.base import ANALYSES, Analysis, FigureSpec, TrainedModel, register
from harness.analysis.comparison import Comparison, Finding
from harness.analysis.rows import Rows

__all__ = ["ANALYSES", "Analysis", "Comparison", "FigureSpec", "Finding", "Rows", "TrainedModel", "register"]
