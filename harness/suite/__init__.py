"""What a person writes: the suite file, its schema and how it is read."""
