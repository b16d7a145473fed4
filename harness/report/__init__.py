"""From the record to tables."""
