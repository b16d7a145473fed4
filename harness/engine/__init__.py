"""Schedules trials over workers and sees each of them through."""
