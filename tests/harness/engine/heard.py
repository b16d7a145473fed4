"""What tests of executors share."""

from __future__ import annotations

from harness.engine.events import Event, Executor


def heard(executor: Executor) -> list[Event]:
    """What an executor tells the next time it is waited for."""
    events: list[Event] = []
    executor.wait(events.append)
    return events
