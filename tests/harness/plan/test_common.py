"""Settings of all rows: whose they become, and which are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.plan.common import with_common_settings
from harness.plan.make import make_plan
from harness.registry import load_plugin
from harness.suite.load import load_suite
from harness.suite.schema import Suite
from variants import VARIANTS

Write = Callable[..., Path]

PLAIN = """
from variants import Config, Variant, register

@register("NAME")
class Plain(Variant):
    Config = Config
"""
SUITE = """
name: mine
config: {convolution: direct, width: 16}
protocols: {short: {batch_size: 10, epochs: 1, learning_rate: 0.01}}
errors:
  tasks: [mnist]
  seeds: [0]
  rows:
    - {variant: cnn, protocol: short}
    - {variant: capsnet, config: {routing_iterations: 3, width: 32}, protocol: short}
times:
  rounds: 2
  baseline: {variant: cnn}
  rows: [{variant: cnn}, {variant: capsnet, config: {routing_iterations: 5}}]
profiles:
  laptop: {config: {width: 64}}
"""


def suite_of(path: Path, profile: str | None = None) -> Suite:
    return with_common_settings(load_suite(path, profile))


def configs(suite: Suite) -> list[list[dict[str, object]]]:
    assert suite.errors is not None
    assert suite.times is not None
    assert suite.times.baseline is not None
    return [
        [row.config for row in suite.errors.rows],
        [row.config for row in suite.times.rows],
        [suite.times.baseline.config],
    ]


def test_they_come_after_a_rows_own_and_before_a_profiles(write: Write) -> None:
    plain = {"convolution": "direct", "width": 16}
    assert configs(suite_of(write(SUITE))) == [
        [plain, {"convolution": "direct", "width": 32, "routing_iterations": 3}],
        [plain, {"convolution": "direct", "width": 16, "routing_iterations": 5}],
        [plain],
    ]
    laptop = {"convolution": "direct", "width": 64}
    assert configs(suite_of(write(SUITE), "laptop")) == [
        [laptop, {**laptop, "routing_iterations": 3}],
        [laptop, {**laptop, "routing_iterations": 5}],
        [laptop],
    ]


def test_a_row_takes_those_that_its_variant_has(write: Write) -> None:
    common = SUITE.replace("width: 16}", "width: 16, routing: reference, k: 20}", 1)
    text = common.replace("{variant: cnn}, {variant: capsnet", "{variant: lcapsnet}, {variant: capsnet")
    [[cnn, capsnet], [lcapsnet, _], _] = configs(suite_of(write(text)))
    assert cnn == {"convolution": "direct", "width": 16}
    assert capsnet == {"convolution": "direct", "width": 32, "routing": "reference", "routing_iterations": 3}
    assert lcapsnet == {"convolution": "direct", "width": 16, "k": 20}


@pytest.fixture
def plain(write: Write, request: pytest.FixtureRequest) -> Iterator[str]:
    """A variant without settings of its own."""
    name = f"plain-{request.node.name}"
    load_plugin(write(PLAIN.replace("NAME", name), "plain.py"))
    yield name
    VARIANTS._classes.pop(name)


def test_a_variant_without_settings_beside_one_that_has_them(write: Write, plain: str) -> None:
    suite = suite_of(write(SUITE.replace("rows:\n", f"rows:\n    - {{variant: {plain}, protocol: short}}\n")))
    assert suite.errors is not None
    assert [row.config.get("width") for row in suite.errors.rows] == [None, 16, 32]


def test_a_setting_that_the_variant_of_a_row_has_not(write: Write, plain: str) -> None:
    text = SUITE.replace("{variant: cnn, protocol", f"{{variant: {plain}, config: {{width: 64}}, protocol")
    with pytest.raises(UserError, match=rf"errors.rows.0: variant '{plain}' has no setting 'width'"):
        make_plan(load_suite(write(text)), Path("nowhere"))


@pytest.mark.parametrize(
    ("old", "new", "profile", "message"),
    [
        ("width: 16", "widht: 16", None, "config: no row's variant has a setting 'widht': did you mean 'width'? avail"),
        ("{width: 64}", "{kernels: 9}", "laptop", "profiles.laptop.config: no row's variant has a setting 'kernels'"),
        ("width: 16", "classes: 16", None, "config: 'classes' comes from the tasks; leave it out."),
        ("{variant: cnn, p", "{variant: cmm, p", None, "errors.rows.0: unknown variant 'cmm': "),
    ],
)
def test_what_is_refused(write: Write, old: str, new: str, profile: str | None, message: str) -> None:
    assert old in SUITE
    path = write(SUITE.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        make_plan(load_suite(path, profile), Path("nowhere"))
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_setting_of_another_profile_is_not_looked_at(write: Write) -> None:
    text = SUITE.replace("{width: 64}", "{kernels: 9}")
    assert make_plan(load_suite(write(text)), Path("nowhere")).trials
