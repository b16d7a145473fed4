"""The record of what was measured, kept in MLflow."""
