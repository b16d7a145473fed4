"""What measured numbers can tell: estimates and tests, which know nothing of rows, trials or records."""
