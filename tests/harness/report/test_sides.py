"""What `compare` can be told, and what it says of the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.record.tracking_uri import artifact_folder, default_tracking_uri
from harness.report.sides import find_target
from harness.suite.load import load_suite

Cli = Callable[..., Any]


@pytest.fixture
def runs(tiny_suite: Path, results: Path, tmp_path: Path) -> dict[str, str]:
    """Ids of recorded runs of the suite `tiny`: two without a profile, two of `laptop`, the oldest first."""
    from harness.record.writer import RunWriter

    tracking_uri = default_tracking_uri(results)
    record = RunWriter(tracking_uri, "tiny", artifact_folder(tracking_uri, results))
    plan: Plan = make_plan(load_suite(tiny_suite), tmp_path)
    found = {}
    for name, profile in [("first", None), ("fast", "laptop"), ("second", None), ("faster", "laptop")]:
        found[name] = record.begin_invocation(plan.model_copy(update={"profile": profile}), [], "the command")
        record.end_invocation(found[name], "FINISHED")
    return found


def test_a_run_is_named_by_suite_profile_and_how_far_back_it_is(
    runs: dict[str, str], results: Path, tiny_suite: Path
) -> None:
    tracking_uri = default_tracking_uri(results)
    for text, name in [
        ("tiny", "second"),
        ("tiny~0", "second"),
        ("tiny~1", "first"),
        ("tiny@laptop", "faster"),
        ("tiny@laptop~1", "fast"),
        (str(tiny_suite), "second"),
        (f"{tiny_suite}@laptop~1", "fast"),
        (runs["fast"], "fast"),
    ]:
        assert find_target(tracking_uri, text).invocation == runs[name], text


@pytest.mark.parametrize(
    "text",
    [
        "tiny@a'b",
        "tiny@",
        'tiny@"',
        "ti`ny",
        "ti'ny",
        "%",
        "tiny@%",
        "",
        "~1",
        "@laptop",
        "tiny~",
        "tiny~x",
        "a\nb",
        "'~1",
    ],
)
def test_what_is_no_name_is_told_before_anything_is_looked_up(runs: dict[str, str], results: Path, text: str) -> None:
    with pytest.raises(UserError, match="names no run") as caught:
        find_target(default_tracking_uri(results), text)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_not_recorded_is_told(runs: dict[str, str], results: Path) -> None:
    tracking_uri = default_tracking_uri(results)
    with pytest.raises(UserError, match=r"2 runs are recorded, so ~2 is none; allowed: up to ~1"):
        find_target(tracking_uri, "tiny@laptop~2")
    with pytest.raises(UserError, match=r"with the profile 'desktop' \(recorded profiles: laptop, none\)"):
        find_target(tracking_uri, "tiny@desktop")
    with pytest.raises(UserError, match="nothing is recorded of the suite 'other'; run"):
        find_target(tracking_uri, "other")


def test_a_run_is_not_compared_with_itself(runs: dict[str, str], cli: Cli, results: Path) -> None:
    for one, other in [("tiny", "tiny"), ("tiny@laptop", runs["faster"]), ("tiny~1", runs["first"])]:
        said = cli("compare", one, other, "--results", results)
        assert f"A and B are the same run ({one} and {other} are" in said.sentence
    assert cli("compare", "tiny~1", "tiny", "--results", results).code == 0
