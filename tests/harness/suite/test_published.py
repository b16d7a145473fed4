"""Published numbers: those of the paper, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.suite.load import load_suite
from harness.suite.published import find_published, load_published, look_up

NUMBERS = Path(__file__).parents[3] / "results" / "published" / "ladder-capsule-network.yaml"
ERRORS = {  # the paper's Table 2, percent on MNIST and on affNIST
    ("cnn",): (0.39, 34.0),
    ("capsnet", 3): (0.25, 21.0),
    ("lcapsnet", 9, 50): (0.74, 13.0),
    ("lcapsnet", 9, 70): (0.50, 12.5),
    ("lcapsnet", 9, 100): (0.80, 13.2),
    ("lcapsnet", 15, 50): (0.69, 12.5),
    ("lcapsnet", 15, 70): (0.73, 12.2),
    ("lcapsnet", 15, 100): (0.79, 13.1),
}
SECONDS = {  # the paper's Table 3, with standard errors
    ("lcapsnet", 9, 50): (0.2034, 0.010),
    ("lcapsnet", 9, 70): (0.2159, 0.008),
    ("lcapsnet", 9, 100): (0.2953, 0.001),
    ("capsnet", 3): (1.732, 0.026),
    ("capsnet", 4): (2.123, 0.041),
    ("capsnet", 5): (2.656, 0.085),
}


def config(row: tuple[object, ...]) -> dict[str, object]:
    """A full configuration, with settings that the file does not name."""
    names = {"cnn": [], "capsnet": ["routing_iterations"], "lcapsnet": ["kernel", "k"]}[str(row[0])]
    return {"width": 256, "decoder": True, **dict(zip(names, row[1:], strict=True))}


def test_the_papers_numbers() -> None:
    [paper] = load_published([NUMBERS])
    assert paper.errors is not None
    assert paper.times is not None
    assert len(paper.errors.rows) == 2 * len(ERRORS)
    assert len(paper.times.rows) == len(SECONDS)
    for row, values in ERRORS.items():
        for task, value in zip(("mnist", "affnist"), values, strict=True):
            # of the two CNNs, the one with pooling stands on affNIST
            pooling = {"pooling": task == "affnist"} if row == ("cnn",) else {}
            found = look_up([paper], "errors", str(row[0]), config(row) | pooling, task)
            assert found is not None
            assert found[0].value == value
    for row, (value, error) in SECONDS.items():
        found = look_up([paper], "times", str(row[0]), config(row), "mnist")
        assert found is not None
        assert (found[0].value, found[0].standard_error) == (value, error)
    assert (paper.errors.unit, paper.times.unit, paper.times.batch_size) == ("percent", "seconds", 100)


@pytest.mark.parametrize(
    ("table", "row", "task"),
    [
        ("errors", ("lcapsnet", 9, 60), "mnist"),
        ("errors", ("capsnet", 4), "mnist"),
        ("errors", ("cnn",), "fashion-mnist"),
        ("errors", ("cnn",), "affnist"),
        ("times", ("lcapsnet", 15, 50), "mnist"),
        ("times", ("cnn",), "mnist"),
    ],
)
def test_what_the_paper_does_not_have(table: str, row: tuple[object, ...], task: str) -> None:
    assert look_up(load_published([NUMBERS]), table, str(row[0]), config(row), task) is None  # type: ignore[arg-type]


def test_the_first_publication_counts(write: Callable[..., Path]) -> None:
    other = write(
        "source: another\nerrors: {unit: percent, where: T, rows: [{variant: cnn, task: mnist, value: 9.0}]}\n"
    )
    for order, value in (([other, NUMBERS], 9.0), ([NUMBERS, other], 0.39)):
        found = look_up(load_published(order), "errors", "cnn", {"pooling": False}, "mnist")
        assert found is not None
        assert found[0].value == value


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("errors: {unit: percent, where: T, rows: []}\n", ["'source' is missing"]),
        ("source: a\nerrors: {unit: promille, where: T, rows: []}\n", ["'errors.unit' is 'promille'", "'percent'"]),
        ("source: a\nerors: {}\n", ["unknown key 'erors'", "did you mean 'errors'?"]),
        (
            "source: a\nerrors: {unit: percent, where: T, rows: [{variant: cnn, task: mnist, vaule: 1}]}\n",
            ["unknown key 'errors.rows.0.vaule'", "did you mean 'value'?"],
        ),
        (
            "source: a\nerrors: {unit: percent, where: T, rows: [{variant: cnn, task: mnist, value: .nan}]}\n",
            ["'errors.rows.0.value' is nan", "finite"],
        ),
        (
            "source: a\nerrors: {unit: percent, where: T, setting: {width: .inf}, rows: []}\n",
            ["errors.setting", "inf", "finite"],
        ),
    ],
)
def test_mistakes_name_file_and_key(write: Callable[..., Path], text: str, parts: list[str]) -> None:
    path = write(text, "numbers.yaml")
    with pytest.raises(UserError) as caught:
        load_published([path])
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for part in [str(path), *parts]:
        assert part in message


def test_settings_are_matched_by_value(write: Callable[..., Path]) -> None:
    path = write(
        "source: a\nerrors: {unit: percent, where: T, rows: [{variant: cnn, config: {rate: 1e-4, deep: true, k: 1},"
        " task: mnist, value: 1}]}"
    )
    published = load_published([path])
    for config, is_found in (
        ({"rate": 0.0001, "deep": True, "k": 1.0}, True),
        ({"rate": 0.0001, "deep": 1, "k": 1}, False),
        ({"rate": 0.0001, "deep": True, "k": True}, False),
        ({"rate": 0.0001, "deep": True}, False),
    ):
        assert (look_up(published, "errors", "cnn", config, "mnist") is not None) == is_found


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*numbers\.yaml"):
        load_published([tmp_path / "numbers.yaml"])


NAMING = "name: mine\npublished: [NAMED]\ntimes: {rows: [{variant: cnn}]}\n"


@pytest.mark.parametrize("folder", ["elsewhere", "results/published"])
def test_numbers_of_the_project_are_found_by_name_from_any_folder(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "suite.yaml"
    path.parent.mkdir(parents=True)
    (path.parent / "ladder-capsule-network").mkdir()  # a name is no path
    path.write_text(NAMING.replace("NAMED", "ladder-capsule-network"))
    assert load_suite(path).published_paths() == [NUMBERS]


def test_numbers_of_the_project_are_found_by_name_from_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reading, writing = os.pipe()
    os.write(writing, NAMING.replace("NAMED", "ladder-capsule-network, ./own").encode())
    os.close(writing)
    resolved = load_suite(Path(f"/dev/fd/{reading}"))
    os.close(reading)
    assert resolved.published_paths() == [NUMBERS, tmp_path / "own"]


@pytest.mark.parametrize("named", ["own.yaml", "own.yml", "./own", "a/own", "../own.yaml", "/tmp/own", "~/own"])
def test_what_has_a_slash_or_ends_in_yaml_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    expected = Path("/home/somebody/own") if named.startswith("~") else tmp_path / named
    assert find_published(named, tmp_path) == expected


def test_an_unknown_name_is_refused_with_the_nearest_and_all(write: Callable[..., Path]) -> None:
    path = write(NAMING.replace("NAMED", "ladder-capsule-net"))
    with pytest.raises(UserError) as caught:
        load_suite(path).published_paths()
    assert str(caught.value) == (
        f"{path}: published: unknown published numbers 'ladder-capsule-net': did you mean 'ladder-capsule-network'? "
        f"available: ladder-capsule-network; or name a file by its path, which has a slash or ends in .yaml."
    )
