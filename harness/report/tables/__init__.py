"""What is recorded, as the rows of tables."""
