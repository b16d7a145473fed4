"""The engine: plans, schedules, records and reports trials. It knows no model."""
