"""Judge the claims of a suite: the comparisons for each kind of claim, and the verdicts."""
