"""Expand a suite to rows and trials, with their keys and their order."""
