"""The tables of a report as text, in every format."""
