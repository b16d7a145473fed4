"""From data to figures."""
