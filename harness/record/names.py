"""The names of the tags and files in MLflow that hold what is recorded; those of a trial's metrics are in `numbers`.

They are those of every release, so that older records can be read.
"""

from __future__ import annotations

from harness.record.query import equals

# of every run
KIND, SUITE, PROFILE = "harness.kind", "harness.suite", "harness.profile"
RUN_NUMBER = "harness.number"  # counts the runs of an experiment in the order in which they were started
NOTE = "mlflow.note.content"  # the text that MLflow shows first
NO_PROFILE = "none"  # the value of PROFILE where there is none

# of the run of an invocation
INVOCATIONS = equals(KIND, "suite")
COMMAND, FRACTION = "harness.command", "harness.fraction"
TOKEN = "harness.token"  # by which a run is found whose creation has been requested twice
CODE = "harness.code."  # begins the facts about the code
REPORT = "harness.report"  # the invocation whose artifacts have the report of this one
STATE = "harness.state"  # digest of what the report was made of
OVERHEAD = "overhead/"  # begins the metrics of what the harness itself took
PLAN_FILE, PUBLISHED_FILE, SUITE_FILE = "plan.json", "published.json", "suite.yaml"

# of the run of a trial
TRAINING, TIMING = "trial", "timing"  # the values of KIND
KEY, CAUSE = "harness.key", "harness.cause"
INVOCATION = "harness.invocation"  # that ran it last
VARIANT, TITLE, TASK = "harness.variant", "harness.title", "harness.task"
WEIGHTS = "harness.weights_sha256"
MACHINE = "machine."  # begins the facts about the machine


def fraction_tag(profile: str | None, budget: float) -> str:
    """Return the name of an experiment's tag that stores the fraction calibrated for a budget of so many seconds."""
    return f"harness.fraction.{profile or NO_PROFILE}.{budget:g}s"
