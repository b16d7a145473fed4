"""What `compare` is told to compare: the newest run of a suite, or a run by its id."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError
from harness.record.history import History, suite_of
from harness.report.comparison import Side
from harness.report.tables import first_errors, measured_of
from harness.yamlfile import read_yaml


def read_side(address: str, text: str) -> Side:
    """One side of a comparison, from the record alone.

    Arguments:
        text: the name or the file of a suite, with `@PROFILE` behind it if a profile is meant, or the id of an
            invocation as `list runs` shows it.

    Raises:
        UserError: nothing like it is recorded.
    """
    suite = suite_of(address, text)
    if suite is not None:
        record = History(address, suite)
        plan, facts = record.plan_of(text)
    else:
        name, _, profile = text.rpartition("@") if "@" in text else (text, "", "")
        record = History(address, _suite_name(name))
        plan, facts = record.plan_of(record.latest_invocation(profile or None))
    frame = record.frame(trial.key for trial in plan.trials)
    machine = frame[[name for name in frame.columns if name.startswith("machine.")]].dropna()
    if not machine.empty:
        facts |= {str(name).removeprefix("machine."): str(value) for name, value in machine.iloc[-1].items()}
    for name in MOMENTARY:
        facts.pop(name, None)
    return Side(text, plan, measured_of(plan, frame, record), facts, first_errors(plan, frame))


MOMENTARY = ("load", "clock_mhz", "node", "convolutions")  # of a trial, not of a machine


def _suite_name(text: str) -> str:
    """The name of a suite that is given by its name or by its file."""
    path = Path(text)
    if path.suffix not in {".yaml", ".yml"}:
        return text
    name = read_yaml(path).get("name")
    if not isinstance(name, str):
        raise UserError(f"{path} has no 'name'; name a suite's file.")
    return name
