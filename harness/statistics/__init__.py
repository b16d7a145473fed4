"""Estimates, intervals and tests of plain numbers and arrays; they know nothing of rows, trials or records."""
