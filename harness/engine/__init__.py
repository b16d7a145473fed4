"""Run trials on Ray workers, or in this process, and retry those whose worker died."""
