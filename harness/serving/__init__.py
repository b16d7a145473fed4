"""MLflow's web interface for a record: read-only, and for this machine only."""
