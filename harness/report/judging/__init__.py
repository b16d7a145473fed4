"""What speaks for and against a claim, by the kind of claim."""
