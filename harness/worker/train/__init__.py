"""Train a variant and test it."""
