"""Time a training iteration of a variant."""
