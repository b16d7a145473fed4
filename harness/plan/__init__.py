"""What a suite comes to: rows and trials, their keys and their order."""
