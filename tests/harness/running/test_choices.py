"""Chosen algorithms, kept for the next process on the same machine."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from harness.running.choices import describe_choices, keep_choices, kept_choices
from variants import convolution
from variants.convolution import LargeKernelConv2d, remembered


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """A process that has chosen nothing."""
    before = remembered()
    convolution._choices.clear()
    yield
    convolution._choices.clear()
    convolution._choices.update(before)  # type: ignore[arg-type]


def file_of(folder: Path) -> Path:
    return folder / f"{platform.node() or 'machine'}.json"


def test_what_is_chosen_inside_is_known_to_the_next(tmp_path: Path) -> None:
    with kept_choices(tmp_path / "new"):
        convolution.remember({"one": "fast"})
    convolution._choices.clear()
    with kept_choices(tmp_path / "new"):
        assert remembered() == {"one": "fast"}
        convolution.remember({"two": "direct"})
    assert json.loads(file_of(tmp_path / "new").read_text()) == {"one": "fast", "two": "direct"}


def test_the_first_choice_stays(tmp_path: Path) -> None:
    convolution.remember({"one": "direct"})
    file_of(tmp_path).write_text('{"one": "fast"}')
    keep_choices(tmp_path)
    assert remembered() == json.loads(file_of(tmp_path).read_text()) == {"one": "fast"}


def test_it_is_kept_after_an_error_too(tmp_path: Path) -> None:
    def interrupted() -> None:
        with kept_choices(tmp_path):
            convolution.remember({"one": "fast"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert json.loads(file_of(tmp_path).read_text()) == {"one": "fast"}


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"one": ["fast"]}', '{"one": "quickest"}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    file_of(tmp_path).write_text(content)
    with kept_choices(tmp_path):
        assert remembered() == {}
        convolution.remember({"two": "direct"})
    assert json.loads(file_of(tmp_path).read_text()) == {"two": "direct"}


def test_nothing_chosen_leaves_nothing(tmp_path: Path) -> None:
    with kept_choices(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()


def test_the_record_says_what_was_taken() -> None:
    model = nn.Sequential(LargeKernelConv2d(4, 4, 9, algorithm="direct"), LargeKernelConv2d(4, 4, 9, algorithm="fast"))
    model(torch.rand(2, 4, 20, 20))
    assert describe_choices(model) == {"convolutions": "0 direct, 1 fast"}
    assert describe_choices(nn.Linear(2, 2)) == {}
