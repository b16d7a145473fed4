"""What a dataset has to be, and how a mistake in one is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data import DATASETS, Damaged, Dataset, Examples, Missing, TaskData, tasks
from harness.errors import UserError

SIDE = 8
NOWHERE = Path("nowhere")


def examples(count: int, **changes: Any) -> Examples:
    parts: dict[str, Any] = {
        "images": np.zeros((count, SIDE, SIDE), np.uint8),
        "labels": (np.arange(count) % 3).astype(np.uint8),
    }
    return Examples(**{**parts, **changes})


class Sound(Dataset):
    """A dataset that is as it has to be."""

    name, image_size, classes, train_size = "sound", SIDE, 3, 12

    def digest(self, folder: Path) -> str:
        return "sound-1"

    def test_names(self, folder: Path) -> list[str]:
        return ["zz last", "a/first"]

    def fetch(self, folder: Path, progress: object) -> None:
        pass

    def load(self, folder: Path) -> TaskData:
        return TaskData(examples(12), {"zz last": examples(6), "a/first": examples(5)})


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Register a dataset like `Sound`, changed in some attributes, as "changed"."""

    def add(**attributes: Any) -> str:
        monkeypatch.setitem(DATASETS._classes, "changed", type("Changed", (Sound,), attributes))
        return "changed"

    return add


def sentence(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert "'changed'" in message
    return message


def test_a_sound_dataset(register: Callable[..., str]) -> None:
    task = register()
    assert tasks.identify(task, NOWHERE) == tasks.Identity("sound-1", ("zz last", "a/first"), ())
    data = tasks.load(task, NOWHERE)
    assert [len(test) for test in data.tests.values()] == [6, 5]
    assert data.train.labels.dtype == np.uint8


@pytest.mark.parametrize(
    ("attributes", "parts"),
    [
        ({"name": None}, ["name"]),
        ({"name": 5}, ["name"]),
        ({"image_size": None}, ["image_size", "missing", "1 to 512"]),
        ({"image_size": 8.0}, ["image_size", "8.0"]),
        ({"image_size": (8, 8)}, ["image_size", "(8, 8)"]),
        ({"image_size": 0}, ["image_size", "1 to 512"]),
        ({"classes": "3"}, ["classes", "'3'", "2 to 1,000"]),
        ({"classes": 1001}, ["classes", "1001", "2 to 1,000"]),
        ({"classes": True}, ["classes", "True"]),
        ({"train_size": 0}, ["train_size", "1 or more"]),
        ({"digest": lambda self, folder: "x" * 37}, ["digest", "36"]),
        ({"digest": lambda self, folder: b"bytes"}, ["digest", "a text"]),
        ({"digest": lambda self, folder: "a\nb"}, ["digest", "printable"]),
        ({"digest": lambda self, folder: (folder / "digest").read_text()}, ["digest", "FileNotFoundError"]),
        ({"test_names": lambda self, folder: []}, ["test_names", "one or more"]),
        ({"test_names": lambda self, folder: 1 / 0}, ["test_names", "ZeroDivisionError"]),
        ({"__init__": lambda self, folder: None}, ["__init__", "TypeError"]),
    ],
)
def test_mistakes_in_a_class_are_told_at_the_plan(
    register: Callable[..., str], attributes: dict[str, Any], parts: list[str]
) -> None:
    task = register(**attributes)
    message = sentence(lambda: tasks.identify(task, NOWHERE))
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    "names",
    [
        ["odd (noise=20%)"],
        ["file|labels"],
        [""],
        ["x" * 65],
        [5],
        ["a:b"],
        ["../up"],
        ["a//b"],
        ["/a"],
        ["a/"],
        ["."],
        [" a"],
        ["a\n"],
        ["größe"],
        ["twice", "Twice"],
    ],
)
def test_names_of_tests_that_no_record_takes(register: Callable[..., str], names: list[Any]) -> None:
    task = register(test_names=lambda self, folder: names)
    sentence(lambda: tasks.identify(task, NOWHERE))


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a b ", "odd (x=2%)", "x" * 65, "a\nb"])
def test_names_of_datasets_that_no_file_can_have(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(DATASETS._classes, name, Sound)
    with pytest.raises(UserError, match="rename it") as caught:
        tasks.identify(name, NOWHERE)
    assert len(str(caught.value).splitlines()) == 1


def test_names_of_tests_that_are_allowed(register: Callable[..., str]) -> None:
    names = ["x" * 64, "file", "a.b-c_d/e f", "0"]
    task = register(test_names=lambda self, folder: names)
    assert tasks.identify(task, NOWHERE).tests == tuple(names)


IMAGES, LABELS = np.zeros((12, SIDE, SIDE)), np.arange(12) % 3


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"images": np.zeros((12, SIDE, SIDE, 3), np.uint8)}, ["only grey images", "(12, 8, 8, 3)", "training set"]),
        ({"images": IMAGES}, ["float64", "uint8"]),
        ({"images": IMAGES.astype(bool)}, ["bool", "uint8"]),
        ({"images": IMAGES.astype(np.int64)}, ["int64", "uint8"]),
        ({"images": [[0]]}, ["a list", "NumPy array"]),
        ({"images": np.zeros((12, 64), np.uint8)}, ["(12, 64)"]),
        ({"images": np.zeros((12, SIDE + 1, SIDE), np.uint8)}, ["9×8", "at most 8×8"]),
        ({"images": np.zeros((11, SIDE, SIDE), np.uint8)}, ["11 images", "12 labels"]),
        ({"labels": LABELS - 1}, ["label 0 ", "is -1", "0 to 2"]),
        ({"labels": LABELS + 1}, ["label 2 ", "is 3", "0 to 2"]),
        ({"labels": LABELS.astype(float)}, ["float64", "whole numbers"]),
        ({"labels": LABELS.astype(bool)}, ["bool", "whole numbers"]),
        ({"labels": LABELS.astype(str)}, ["<U", "whole numbers"]),
        ({"labels": np.eye(3)[LABELS]}, ["(12, 3)", "(images,)"]),
        ({"images": np.zeros((9, SIDE, SIDE), np.uint8), "labels": LABELS[:9]}, ["9 images", "train_size is 12"]),
    ],
)
def test_wrong_arrays_are_one_sentence(register: Callable[..., str], changes: dict[str, Any], parts: list[str]) -> None:
    def load(self: Dataset, folder: Path) -> TaskData:
        return TaskData(examples(12, **changes), {"zz last": examples(6), "a/first": examples(5)})

    task = register(load=load)
    message = sentence(lambda: tasks.load(task, NOWHERE))
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("tests", "parts"),
    [
        ({"a/first": examples(5), "zz last": examples(6)}, ["'a/first', 'zz last'", "'zz last', 'a/first'", "order"]),
        ({}, ["none", "test_names"]),
        ([examples(5)], ["dict"]),
        ({"zz last": examples(6), "a/first": examples(0)}, ["a/first", "(0, 8, 8)"]),
        ({"zz last": examples(6, images=np.zeros((6, 7, 7), np.uint8)), "a/first": examples(5)}, ["7×7", "zz last"]),
        ({"zz last": examples(6), "a/first": (1, 2)}, ["a/first", "a tuple"]),
    ],
)
def test_wrong_tests_are_one_sentence(register: Callable[..., str], tests: Any, parts: list[str]) -> None:
    task = register(load=lambda self, folder: TaskData(examples(12), tests))
    message = sentence(lambda: tasks.load(task, NOWHERE))
    assert all(part in message for part in parts), message


def test_labels_of_any_whole_kind_are_taken(register: Callable[..., str]) -> None:
    for kind in (np.int64, np.uint64, np.int8, ">i4"):
        changed = examples(12, labels=LABELS.astype(kind))
        task = register(load=lambda self, folder, train=changed: TaskData(train, Sound.load(self, folder).tests))
        assert tasks.load(task, NOWHERE).train.labels.tolist() == LABELS.tolist()


def test_views_that_run_backwards_are_taken(register: Callable[..., str]) -> None:
    images = np.random.RandomState(0).randint(0, 256, (12, SIDE, SIDE), np.uint8)
    flipped = examples(12, images=images[:, :, ::-1])
    task = register(load=lambda self, folder: TaskData(flipped, Sound.load(self, folder).tests))
    found = tasks.load(task, NOWHERE).train.images
    assert min(found.strides) > 0
    assert np.array_equal(found, images[:, :, ::-1])


def test_what_a_plugin_raises_is_a_sentence(register: Callable[..., str], tmp_path: Path) -> None:
    task = register(load=lambda self, folder: np.load(folder / "images.npy"))
    with pytest.raises(Missing, match=r"'changed' lacks .*images\.npy: run `python -m harness data fetch changed`"):
        tasks.load(task, tmp_path)
    (tmp_path / "images.npy").mkdir()
    with pytest.raises(Damaged, match=r"'changed' cannot read .*images\.npy"):
        tasks.load(task, tmp_path)
    task = register(fetch=lambda self, folder, progress: int("x"))
    assert "fails in fetch (ValueError" in sentence(lambda: tasks.fetch(task, tmp_path, print))
