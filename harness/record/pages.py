"""URLs of pages in MLflow's user interface."""

from __future__ import annotations

from urllib.parse import quote

HOST, PORT = "127.0.0.1", 5000  # of `python -m harness ui`
# Without this MLflow opens an experiment on an empty page for traces, and a run among tools for language models.
WORKFLOW = "workflowType=machine_learning"


def served(port: int = PORT) -> str:
    """Return the URL at which `python -m harness ui` serves a record."""
    return f"http://{HOST}:{port}"


def run_page(host: str, experiment: str, run: str, artifact: str = "") -> str:
    """Return the URL of a run, or of one of its artifacts."""
    shown = f"/artifacts/{artifact}" if artifact else ""
    return f"{host}/#/experiments/{experiment}/runs/{run}{shown}?{WORKFLOW}"


def charts_page(host: str, experiment: str, query: str) -> str:
    """Return the URL of the charts of the runs that match a query."""
    return f"{host}/#/experiments/{experiment}/runs?{WORKFLOW}&compareRunsMode=CHART&searchFilter={quote(query)}"
