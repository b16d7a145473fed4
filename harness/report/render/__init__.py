"""The report in every format: terminal, HTML, Markdown, LaTeX, CSV, JSON."""
