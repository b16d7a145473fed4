"""Sizes of variants, found without their weights."""

from __future__ import annotations

import subprocess
import sys

import pytest

import variants
from harness.worker.model_size import checkpoint_bytes, parameter_count


@pytest.mark.parametrize(
    ("variant", "config", "parameters"),
    [
        ("cnn", {}, 35_445_522),
        ("capsnet", {}, 6_804_224 + 1_411_344),
        ("lcapsnet", {"k": 70}, 42_795_724),
        ("cnn", {"width": 4}, None),
    ],
)
def test_parameters(variant: str, config: dict[str, int], parameters: int | None) -> None:
    if parameters is None:
        parameters = sum(p.numel() for p in variants.build(variant, **config).parameters())
    assert parameter_count(variant, config) == parameters
    # weights and two moments of Adam, 4 bytes each, twice, as the one before is kept
    assert checkpoint_bytes(variant, config) == 2 * 3 * 4 * parameters


@pytest.mark.usefixtures("tiny")
def test_a_variant_that_cannot_be_built_has_none() -> None:
    assert parameter_count("tiny", {"fails": True}) is None
    assert checkpoint_bytes("tiny", {"fails": True}) == 0


def test_to_count_does_not_load_the_compiler_of_torch() -> None:
    code = (
        "import sys; from harness.worker.model_size import parameter_count as count; "
        "print(count('lcapsnet', {}), count('capsnet', {}), count('cnn', {}), 'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["42795724", "8215568", "35445522", "False"]
