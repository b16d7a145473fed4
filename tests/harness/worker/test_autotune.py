"""Chosen algorithms, kept for the next process on the same machine; those that choose at once choose the same."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import platform
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.worker.autotune import autotune_cache, describe_algorithms
from variants.conv import large_kernel
from variants.conv.large_kernel import LargeKernelConv2d, remember, remembered
from variants.conv.tiling import Shape

SHAPE = Shape(2, 4, 20, 20, 4, 9, 1, 0)


def file_of(folder: Path) -> Path:
    return folder / f"{platform.node() or 'machine'}.json"


def measuring(monkeypatch: pytest.MonkeyPatch, found: str, measured: list[int]) -> None:
    """Let a measurement find an algorithm, and note that it was made."""

    def measure(*_: Any) -> str:
        measured.append(1)
        return found

    monkeypatch.setattr(large_kernel, "measure", measure)


def run_auto() -> str:
    """What a layer takes that is told nothing."""
    layer = LargeKernelConv2d(4, 4, 9)
    layer(torch.rand(2, 4, 20, 20))
    assert layer.chosen is not None
    return layer.chosen


@pytest.mark.parametrize("first", ["direct", "fast"])
def test_a_choice_is_made_once_and_known_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    measured: list[int] = []
    measuring(monkeypatch, first, measured)
    before = remembered()
    with autotune_cache(tmp_path / "new"):
        assert run_auto() == first
    assert list(json.loads(file_of(tmp_path / "new").read_text()).values()) == [first]
    measuring(monkeypatch, "fast" if first == "direct" else "direct", measured)
    with autotune_cache(tmp_path / "new"):
        assert remembered() == {}
        assert run_auto() == run_auto() == first
    assert len(measured) == 1
    assert remembered() == before  # each block knows its own alone


def test_a_choice_is_in_the_file_before_anything_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is killed then takes the same one when it begins again."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    measuring(monkeypatch, "fast", [])
    monkeypatch.setattr(large_kernel, "convolve", killed)
    with pytest.raises(KeyboardInterrupt), autotune_cache(tmp_path):
        run_auto()
    assert list(json.loads(file_of(tmp_path).read_text()).values()) == ["fast"]


def choose(folder: Path, found: str, ready: Any, said: Any) -> None:
    """In a process of its own."""
    large_kernel.measure = lambda *_: (ready.wait(10) and None) or found  # type: ignore[assignment]
    ready.wait(10)
    with autotune_cache(folder):
        said.put(run_auto())


def test_those_that_choose_at_once_choose_the_same(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    ready, said = fork.Event(), fork.Queue()
    ready.set()
    processes = [
        fork.Process(target=choose, args=(tmp_path, name, ready, said)) for name in ("fast", "direct", "fast", "direct")
    ]
    for process in processes:
        process.start()
    taken = {said.get(timeout=30) for _ in processes}
    for process in processes:
        process.join()
    assert len(taken) == 1


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that writes second takes what the first one has written meanwhile."""

    def flock(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    def measure(*_: Any) -> str:
        file_of(tmp_path).write_text(json.dumps(dict.fromkeys(wanted, "direct")))
        return "fast"

    monkeypatch.setattr(fcntl, "flock", flock)
    measuring(monkeypatch, "direct", [])
    with autotune_cache(tmp_path / "aside"):
        run_auto()
        wanted = list(remembered())
    monkeypatch.setattr(large_kernel, "measure", measure)
    with autotune_cache(tmp_path):
        assert run_auto() == "direct"
    assert list(json.loads(file_of(tmp_path).read_text()).values()) == ["direct"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"one": ["fast"]}', '{"one": "quickest"}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    file_of(tmp_path).write_text(content)
    measuring(monkeypatch, "direct", [])
    with autotune_cache(tmp_path):
        assert run_auto() == "direct"
    assert list(json.loads(file_of(tmp_path).read_text()).values()) == ["direct"]


def test_without_a_folder_or_choices_nothing_is_left(tmp_path: Path) -> None:
    with autotune_cache(None):
        remember({"one": "fast"})
        assert remembered() == {"one": "fast"}
    with autotune_cache(tmp_path / "none"):
        pass
    assert not os.listdir(tmp_path)


def test_the_record_says_what_was_taken() -> None:
    model = nn.Sequential(LargeKernelConv2d(4, 4, 9, algorithm="direct"), LargeKernelConv2d(4, 4, 9, algorithm="fast"))
    model(torch.rand(2, 4, 20, 20))
    assert describe_algorithms(model) == {"convolutions": "0 direct, 1 fast"}
    assert describe_algorithms(nn.Linear(2, 2)) == {}
