"""MLflow's user interface on a record: for reading, on this machine alone."""
