"""User plugins: import, source digests, and isolation from the rest of the process."""
