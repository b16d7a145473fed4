"""What a person writes: the suite file, read and checked."""
