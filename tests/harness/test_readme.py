"""The variant of the README gets into the tables and comes back from the record as the documentation says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.record.reader import RunReader
from harness.record.recorded import RecordedTraining
from harness.record.tracking_uri import default_tracking_uri
from tests.docs.documents import block_with
from tests.harness.conftest import Said
from variants import VARIANTS

SUITE = """
name: linear
plugins: [linear.py]
protocols: {short: {batch_size: 20, epochs: 1, learning_rate: 0.01}}
errors:
  tasks: [tiny-digits]
  seeds: [0]
  rows: [{variant: linear, protocol: short}, {variant: linear, protocol: short, config: {bias: false}}]
times:
  task: tiny-digits
  batch_size: 20
  rounds: 1
  warmup: 2
  window: 2
  longest_warmup: 4
  iterations: 4
  threads: 1
  sentinel: 0
  rows: [{variant: linear}]
"""


def linear() -> str:
    """The variant of the README, with settings of its own as the README shows them."""
    whole, settings = block_with('@register("linear")'), block_with("class LinearConfig")
    for old, new in (
        ("\n@register", f"\n{settings}\n\n@register"),
        ("Config = Config", "Config = LinearConfig"),
        (", config.classes)", ", config.classes, bias=config.bias)"),
    ):
        assert old in whole
        whole = whole.replace(old, new)
    return whole


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_the_variant_of_the_readme(
    cli: Callable[..., Said],
    write: Callable[..., Path],
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(linear(), "linear.py")
    suite = write(SUITE)
    monkeypatch.chdir(results.parent)  # where its record is results/
    with VARIANTS.apart():
        said = cli("run", suite, "--serial")
        assert said.code == 0, said.err
        report = json.loads(cli("report", suite, "--format", "json").out)
        assert [row["title"] for row in report["errors"]] == ["linear", "linear no bias"]
        assert [row["title"] for row in report["times"]] == ["linear"]
        recorded = RunReader(default_tracking_uri(results), "linear").trials().values()
        trained = next(each for each in recorded if isinstance(each, RecordedTraining))
        images = np.zeros((3, 12, 12), np.uint8)
        for example in ('harness.load("RUN_ID").predict(images)', "module = model.module"):
            names: dict[str, Any] = {"images": images}
            exec(block_with(example).replace("RUN_ID", trained.run_id), names)
            assert names["classes"].shape == (3,)
        assert isinstance(names["module"], VARIANTS.get("linear"))
