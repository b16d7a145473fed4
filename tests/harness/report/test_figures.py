"""The rows that figures are drawn from, and that what is drawn is whole, or left out with a word."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from PIL import Image

from harness.analysis.confusions import counts_of
from harness.analysis.rows import Model, Rows, RowsOf, TimedRow, TrainedRow
from harness.drawing.labels import labels
from harness.report.build import write_report
from harness.report.figures.all_figures import draw_all
from harness.report.tables.assemble import build_tables
from tests.harness.report.example import ERRORS, ORIGIN, OVERHEAD, SECONDS, example, plan, published, record
from tests.harness.report.recording import Timed, TrainedModel, by_key

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def rows_of() -> RowsOf:
    found = example().rows_of
    assert found is not None
    return found


def test_rows_as_figures_see_them(rows_of: RowsOf) -> None:
    rows = rows_of("reconstructions")
    assert rows.timed[0].title == "capsnet r=3"
    assert rows.timed[0].samples()[0][1] == SECONDS[0][0]
    capsnet = next(row for row in rows.trained if (row.title, row.task) == ("capsnet r=3", "mnist"))
    assert (capsnet.seconds, capsnet.error) == (1.7, pytest.approx(0.5))
    assert [model.seed for model in capsnet.models] == [0, 1, 2]
    assert len(capsnet.models[0].curve()) == 5
    assert "reconstructed" in capsnet.models[0].arrays()
    assert all("reconstructed" not in m.arrays() for row in rows.trained if row.title == "cnn" for m in row.models)


def test_answers_are_those_of_each_seed(rows_of: RowsOf) -> None:
    counts = rows_of("confusions").by_task(counts_of)["mnist"]["cnn"]
    assert counts.shape == (10, 10)
    assert counts.sum() == 3 * 1000
    wrong = sum(10 * error for error in ERRORS[0, "mnist"] if error is not None)
    assert counts.sum() - np.trace(counts) == wrong
    assert sum(counts[n, (n + 1) % 10] for n in range(10)) == wrong  # the example takes a class for the next one


def test_every_drawing_says_what_it_shows(rows_of: RowsOf) -> None:
    figures = {figure.name: figure for figure in draw_all(rows_of).drawn}
    assert all(figure.caption.endswith(".") and figure.alt_text.endswith(".") for figure in figures.values())
    assert "cnn 10 of 1000" in figures["mistakes-mnist"].alt_text
    assert list(figures) == [
        "curves-mnist",
        "curves-affnist",
        "costs",
        "samples",
        "confusions-mnist",
        "confusions-affnist",
        "mistakes-mnist",
        "mistakes-affnist",
        "couplings-capsnet r=3",
        "activities",
        "kept-mnist",
        "reconstructions-mnist",
        "reconstructions-affnist",
        "moved-mnist-capsnet r=3",
        "moved-affnist-capsnet r=3",
    ]


@pytest.mark.slow
def test_files_of_the_figures(tmp_path: Path) -> None:
    write_report(example(), tmp_path)
    names = sorted(path.name for path in (tmp_path / "figures").glob("[!.]*"))
    assert names == sorted(draw_all(example().rows_of, example().errors).files())
    for path in (tmp_path / "figures").glob("[!.]*"):
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert np.asarray(image.convert("L")).std() > 1  # not a blank sheet
        else:
            assert path.read_bytes().startswith(b"%PDF")


SAMPLES = """
import sys
from pathlib import Path
from harness.analysis.rows import Rows, TimedRow
from harness.report.figures.all_figures import draw_all
names = {"title": "a $b$", "task": "a", "short_title": "a $b$", "short_task": "a"}
row = TimedRow(**names, variant="a", config={}, samples=lambda: [[0.1, 0.2]])
figures = draw_all(lambda name: Rows(name, timed=[row]))
assert not figures.left_out, figures.left_out
for name, content in figures.files().items():
    (Path(sys.argv[1]) / name).write_bytes(content)
"""


def test_the_same_data_give_the_same_files_in_another_process(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        subprocess.run([sys.executable, "-c", SAMPLES, str(tmp_path / name)], check=True)
        time.sleep(1.1)  # what carries a date would differ by now
    for file in ("samples.pdf", "samples.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


TITLES = [f"{number} {'a long name ' * 40}" for number in range(100)]


def row(title: str, task: str, known: dict[str, Any] | None = None, **more: Any) -> TrainedRow:
    """A row with one model: the arrays of each analysis, and what else it has left."""
    model = Model(0, curve=lambda: more.get("curve", []), predictions=lambda: more.get("predictions"))
    found = TrainedRow(**named(title, task), models=[model], error=more.get("error"), seconds=more.get("seconds"))
    KNOWN[id(found)] = known or {}
    return found


def named(title: str, task: str) -> dict[str, Any]:
    """The names of a row that are short already."""
    return {"title": title, "task": task, "short_title": title, "short_task": task, "variant": title, "config": {}}


KNOWN: dict[int, dict[str, Any]] = {}  # arrays by analysis, of each row that a test has made


def of(*trained: TrainedRow, timed: list[TimedRow] | None = None) -> RowsOf:
    """Rows for whatever analysis asks."""

    def seen(each: TrainedRow, analysis: str) -> TrainedRow:
        arrays = KNOWN[id(each)].get(analysis, {})
        models = [Model(m.seed, lambda: arrays, m.predictions, m.curve) for m in each.models]
        return dataclasses.replace(each, models=models)

    return lambda analysis: Rows(analysis, [seen(each, analysis) for each in trained], timed or [])


def strange_rows() -> RowsOf:
    """What nobody wishes for: a hundred rows of long names, NaN, constants, nothing, names that would be alike."""
    nothing = float("nan")
    true = np.concatenate([np.repeat(np.arange(300), 9), [7] * 5, [250] * 4])
    predicted = np.concatenate([np.repeat(np.arange(300), 9), [250] * 5, [8] * 4])
    image = np.zeros((300, 8, 8), np.uint8)
    names = labels([*TITLES, "é $x$ {", "è \\frac{", "<b>&", "\x1b[31m\u202e\ufffe😀"])
    x = {
        "capsule_activity": {"activities": np.array([0.5, 0.5]), "couplings": np.array([nothing, 0.1])},
        "pruning_map": {"kept": np.zeros((300, 2, 2)), "centres": np.array([2.0, 5.0]), "mean_images": image},
        "reconstructions": {"shown": image, "reconstructed": image},
        "perturbation": {"moved": np.zeros((2, 11, 8), np.uint8), "moved_class": np.array(1)},
        "mistakes": {"mistakes": image},
    }
    y = {"capsule_activity": {"activities": np.array([]), "couplings": np.array([])}}
    return of(
        *(row(names[title], "a", curve=[(1.0, 5.0), (2.0, 5.0)]) for title in TITLES),
        row("x", "a", x, predictions=(true, true)),
        row("y", "a", y, predictions=(true, predicted)),
        row("n", "b", curve=[(1.0, nothing)], predictions=(np.zeros(0, int), np.zeros(0, int))),
        row(names["é $x$ {"], "a", seconds=0.1, error=5.0),
        row(names["è \\frac{"], "a", seconds=0.1, error=5.0),
        row(names["\x1b[31m\u202e\ufffe😀"], names["<b>&"], seconds=0.2, error=nothing),
        timed=[TimedRow(**named(names[title], "a"), samples=lambda: [[0.1] * 3]) for title in TITLES[:20]],
    )


def test_strange_data_are_drawn_or_left_out_with_a_word() -> None:
    figures = draw_all(strange_rows())
    files = figures.files()
    drawn = {figure.name for figure in figures.drawn}
    assert {"curves-a", "curves-b", "costs", "samples", "confusions-a", "couplings-x", "kept-a"} <= drawn
    told = " ".join(figures.left_out)
    for name in ("mistakes of x", "couplings-y: ", "moved-a-x: ", "confusions of n"):
        assert name in told
    assert len(files) == 2 * len(drawn)
    for figure in figures.drawn:
        size = figure.figure.get_size_inches()
        assert size.max() < 40, figure.name
        fromstring(figure.svg)  # else it is no XML
    assert all(len(name) < 160 for name in files)


def test_of_too_many_figures_of_a_kind_the_first_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.report.figures.all_figures.MOST_OF_A_KIND", 2)
    coupled = {"capsule_activity": {"activities": np.array([0.2, 0.1]), "couplings": np.array([0.2, 0.1])}}
    names = labels(TITLES[:5])
    figures = draw_all(of(*(row(name, "a", coupled) for name in names.values())))
    assert [figure.name[:11] for figure in figures.drawn] == ["couplings-0", "couplings-1"]
    [line] = figures.left_out
    assert line.startswith("couplings-2 a long name")
    assert "2 more" in line


def test_what_can_not_be_read_costs_no_other_figure() -> None:
    """A record is read that may have come from anywhere."""

    class OddTraining(TrainedModel):
        def arrays(self, analysis: str) -> dict[str, np.ndarray]:
            return {"mistakes": np.zeros(3), "shown": np.zeros(3)}

    class OddTiming(Timed):
        @property
        def samples(self) -> list[float]:
            raise ValueError("no samples")

    odd = {TrainedModel: OddTraining, Timed: OddTiming}
    trials = by_key(odd[type(trial)](**vars(trial)) for trial in record().values())
    figures = draw_all(build_tables(plan(), published(), trials, OVERHEAD, ORIGIN).rows_of)
    assert {"curves-mnist", "curves-affnist", "costs"} <= {figure.name for figure in figures.drawn}
    assert any(line.startswith("samples of capsnet r=3: ValueError: no samples") for line in figures.left_out)
    assert any("mistakes of cnn on mnist: KeyError: 'mistakes_at'" in line for line in figures.left_out)


def test_nothing_is_read_before_a_figure_asks_for_it() -> None:
    class Asked(TrainedModel):
        def arrays(self, analysis: str) -> dict[str, np.ndarray]:
            asked.append((self.key, analysis))
            return super().arrays(analysis)

    asked: list[tuple[str, str]] = []
    trials = by_key(Asked(**vars(each)) if isinstance(each, TrainedModel) else each for each in record().values())
    found = build_tables(plan().model_copy(update={"claims": []}), published(), trials, OVERHEAD, ORIGIN)
    assert found.rows_of is not None
    row = found.rows_of("mistakes").trained[0]
    assert asked == []
    row.models[1].arrays()
    assert asked == [("training 0 mnist 1", "mistakes")]


def test_settings_for_other_figures_reach_none(tmp_path: Path) -> None:
    """A user's matplotlibrc, a backend that is none, a home that can't be written to; nothing stays behind."""
    (tmp_path / "home").touch()
    settings = "text.usetex: True\nfont.family: Nonesuch\nbackend: nonesuch\nfigure.dpi: 30\naxes.grid: True\n"
    written = {}
    for name, rc, more in (("plain", "", {}), ("odd", settings, {"MPLBACKEND": "nonesuch"})):
        folder = tmp_path / name
        (folder / "tmp").mkdir(parents=True)
        (folder / "matplotlibrc").write_text(rc)
        home = {"HOME": str(tmp_path / "home"), "MPLCONFIGDIR": str(tmp_path / "home"), "TMPDIR": str(folder / "tmp")}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **home, **more}
        command = [sys.executable, "-c", SAMPLES, str(folder)]
        said = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert (said.returncode, said.stderr) == (0, "")
        assert list((folder / "tmp").iterdir()) == []
        written[name] = {path.name: path.read_bytes() for path in folder.glob("samples.*")}
    assert written["odd"].keys() == {"samples.pdf", "samples.png"}
    assert written["odd"]["samples.png"] == written["plain"]["samples.png"]
