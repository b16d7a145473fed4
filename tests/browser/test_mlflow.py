"""`harness ui` in a browser, on the record of a real run: runs are listed, charts drawn, the report is shown."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.process import die_with

pytestmark = pytest.mark.slow
Visit = Callable[..., Any]
ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "harness" / "tiny.py"
PATIENCE = 60_000  # milliseconds; MLflow's page takes its time when it is first opened
SUITE = """
name: browsed
protocols:
  short: {batch_size: 20, epochs: 6, learning_rate: 0.01}
errors:
  tasks: [tiny-digits]
  seeds: [0]
  rows: [{variant: tiny, protocol: short}, {variant: tiny, config: {hidden: 9}, protocol: short}]
times: {task: tiny-digits, batch_size: 20, rounds: 1, iterations: 4, threads: 1, sentinel: 1, rows: [{variant: tiny}]}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a suite that was run."""
    folder = tmp_path_factory.mktemp("browsed")
    suite = folder / "suite.yaml"
    suite.write_text(SUITE)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "harness",
        "run",
        suite,
        "--plugin",
        TINY,
        "--serial",
        "--results",
        folder,
    ]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert said.returncode == 0, said.stderr
    return folder


@pytest.fixture(scope="module")
def links(chromium: Any, results: Path) -> Iterator[dict[str, str]]:
    """What `harness ui` prints: addresses by what is seen there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "harness", "ui", "--no-open", "--port", str(port), "--results", str(results)]
    with_tests = partial(die_with, os.getpid())
    server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=with_tests)
    assert server.stderr is not None
    found = {}
    for line in server.stderr:
        if line.startswith("Ctrl-C"):
            break
        name, _, address = line.strip().partition(": ")
        found[name] = address
    yield found
    server.terminate()
    server.wait(20)


def test_what_is_printed(links: dict[str, str]) -> None:
    assert list(links) == ["browsed, curves", "browsed, times", "browsed, report"]


def test_curves_of_all_trials_are_drawn_together_at_once(visit: Visit, links: dict[str, str]) -> None:
    page = visit(links["browsed, curves"]).page
    for name in ("tiny h=6 · tiny-digits · seed 0", "tiny h=9 · tiny-digits · seed 0"):
        page.get_by_role("link", name=name).wait_for(timeout=PATIENCE)
    assert page.get_by_text(re.compile("timing")).count() == 0
    page.get_by_placeholder("Search metric charts").fill("train/error_percent")
    # one curve for each row, told apart by their points, since MLflow may give two runs the same colour
    page.wait_for_function(
        """() => {
            const chart = document.querySelector(".js-plotly-plot");
            const lines = chart ? [...chart.querySelectorAll(".scatterlayer .trace path.js-line")] : [];
            const drawn = lines.map((line) => line.getAttribute("d") ?? "");
            return new Set(drawn.filter((points) => points.length > 20)).size === 2;
        }""",
        timeout=PATIENCE,
    )


def test_times_are_listed_apart(visit: Visit, links: dict[str, str]) -> None:
    page = visit(links["browsed, times"]).page
    page.get_by_role("link", name="tiny h=6 · timing · round 1").wait_for(timeout=PATIENCE)
    assert page.get_by_text(re.compile("seed 0")).count() == 0


def test_the_suites_run_shows_the_report(visit: Visit, links: dict[str, str]) -> None:
    page = visit(links["browsed, report"]).page
    page.get_by_text("report.html").first.wait_for(timeout=PATIENCE)
    shown = page.frame_locator("iframe").first
    shown.get_by_role("heading", name="browsed").wait_for(timeout=PATIENCE)
    assert shown.locator("figure svg").count() > 2
    assert shown.get_by_role("heading", name="Test error, percent").is_visible()


def test_a_model_is_there_to_be_loaded(visit: Visit, links: dict[str, str]) -> None:
    page = visit(links["browsed, curves"]).page
    page.get_by_role("link", name="tiny h=9 · tiny-digits · seed 0").click(timeout=PATIENCE)
    page.get_by_role("tab", name="Artifacts").click(timeout=PATIENCE)
    page.get_by_text("model", exact=True).first.click(timeout=PATIENCE)
    page.get_by_text("MLmodel").first.wait_for(timeout=PATIENCE)
