"""The data of each figure, and that what is drawn is the data."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from example import ERRORS, ORIGIN, OVERHEAD, SECONDS, Files, example, frame, plan, published
from PIL import Image

from harness.report.build import write_report
from harness.report.figures.captions import most_confused
from harness.report.figures.gallery import draw_all
from harness.report.figures.graphs import Graphs, Kept, Mistakes, Moved
from harness.report.figures.images import (
    APART,
    GAP,
    confusion_figure,
    kept_figure,
    mistakes_figure,
    mosaic,
    moved_figure,
    reconstructions_figure,
)
from harness.report.figures.labels import file_stems, labels
from harness.report.figures.plots import (
    activities_figure,
    costs_figure,
    couplings_figure,
    curves_figure,
    samples_figure,
)
from harness.report.tables import build_tables

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def graphs() -> Graphs:
    found = example().graphs
    assert found is not None
    return found


def test_data_of_lines_and_points(graphs: Graphs) -> None:
    assert graphs.samples["capsnet r=3"][0][1] == SECONDS[0][0]
    assert graphs.couplings.keys() == {"capsnet r=3"}
    assert set(graphs.curves) == {"mnist", "affnist"}
    assert ("mnist", "capsnet r=3", 1.7, pytest.approx(0.5)) in graphs.costs


def test_data_of_confusions_are_counts_over_all_seeds(graphs: Graphs) -> None:
    counts = graphs.confusions["mnist"]["cnn"]
    assert counts.shape == (10, 10)
    assert counts.sum() == 3 * 1000
    wrong = sum(10 * error for error in ERRORS[0, "mnist"] if error is not None)
    assert counts.sum() - np.trace(counts) == wrong
    assert sum(counts[n, (n + 1) % 10] for n in range(10)) == wrong  # the example takes a class for the next one


def test_data_of_images(graphs: Graphs) -> None:
    mistakes = graphs.mistakes["mnist"]["cnn"]
    assert (mistakes.truths.tolist(), mistakes.wrong, mistakes.tested) == ([3, 4], 10, 1000)
    assert graphs.reconstructions["mnist"].keys() == {"capsnet r=3"}
    assert graphs.moved["affnist"]["capsnet r=3"].label == 5
    assert graphs.kept.keys() == {"mnist"}


def test_every_drawing_says_what_it_shows(graphs: Graphs) -> None:
    drawings = {drawing.name: drawing for drawing in draw_all(graphs).drawings}
    assert all(drawing.caption.endswith(".") and drawing.text.endswith(".") for drawing in drawings.values())
    assert "cnn 10 of 1000" in drawings["mistakes-mnist"].text


def test_share_of_what_is_kept_where_there_is_ink() -> None:
    image = np.zeros((1, 8, 8), np.uint8)
    image[0, 4, 4] = 200
    image[0, 2, 6] = 49  # less than a quarter of that
    counts = np.zeros((1, 3, 3))
    counts[0, 1, 1], counts[0, 0, 2] = 6, 2
    kept = {"mnist": {"a": Kept(counts, np.array([2.0, 4.0, 6.0]), image)}}
    [drawing] = draw_all(Graphs(kept=kept)).drawings
    assert "a 75%" in drawing.text


def test_files_of_the_figures(tmp_path: Path) -> None:
    write_report(example(), tmp_path)
    names = sorted(path.name for path in (tmp_path / "figures").glob("[!.]*"))
    assert names == sorted(draw_all(example().graphs, example().table2).files())
    for path in (tmp_path / "figures").glob("[!.]*"):
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert np.asarray(image.convert("L")).std() > 1  # not a blank sheet
        else:
            assert path.read_bytes().startswith(b"%PDF")


def test_the_same_data_give_the_same_files_in_another_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from harness.report.figures.gallery import draw_all\n"
        "from harness.report.figures.graphs import Graphs\n"
        "for name, content in draw_all(Graphs(samples={'a': [[0.1, 0.2]]})).files().items():\n"
        "    (Path(sys.argv[1]) / name).write_bytes(content)"
    )
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        subprocess.run([sys.executable, "-c", script, str(tmp_path / name)], check=True)
        time.sleep(1.1)  # what carries a date would differ by now
    for file in ("samples.pdf", "samples.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_lines() -> None:
    left, right = couplings_figure([3.0, 2.0], [0.2, 0.1]).axes
    assert left.lines[0].get_ydata().tolist() == [3.0, 2.0]
    assert right.lines[0].get_ydata().tolist() == [0.2, 0.1]
    [axes] = activities_figure({"a": [[1.0, 0.5], [0.8, 0.3]]}).axes
    assert axes.lines[0].get_ydata() == pytest.approx(np.array([0.9, 0.4]))
    [axes] = curves_figure({"a": [[(1, 10.0), (2, 6.0)], [(1, 20.0), (2, 8.0)]]}).axes
    assert axes.lines[0].get_ydata() == pytest.approx(np.array([15.0, 7.0]))
    assert axes.collections[0].get_paths()[0].get_extents().y1 == 20.0  # the band reaches to the highest seed


def test_points() -> None:
    first, second = costs_figure([("mnist", "a", 0.1, 5.0), ("affnist", "a", 0.1, 50.0)]).axes
    assert (first.lines[0].get_ydata()[0], second.lines[0].get_ydata()[0]) == (5.0, 50.0)
    assert first.lines[0].get_xdata()[0] == 100.0  # milliseconds
    assert first.get_xscale() == "log"
    figure = costs_figure([("mnist", "a", 0.1, 5.0), ("affnist", "b", 0.2, 50.0)])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]  # also what the first panel lacks
    [axes] = samples_figure({"a": [[0.1, 0.2, 0.3], [0.4]]}).axes
    assert axes.get_yscale() == "log"
    drawn = [line.get_ydata().tolist() for line in axes.lines]
    assert drawn == [pytest.approx(values) for values in ([100, 200, 300], [200, 200], [400], [400, 400])]


def test_mosaic() -> None:
    black, grey = np.full((2, 3), 255, np.uint8), np.full((2, 3), 9, np.uint8)
    whole = mosaic([[black, grey], [grey]], below=1)
    assert whole.shape == (2 * (2 + 1) + GAP, 2 * 3 + GAP)
    assert (whole[:2, :3] == 255).all()
    assert (whole[:2, 3 + GAP :] == 9).all()
    assert (whole[3 + GAP : 5 + GAP, :3] == 9).all()
    assert whole.sum() == 6 * 255 + 12 * 9  # white elsewhere


def test_confusions_leave_the_diagonal_out() -> None:
    figure = confusion_figure({"a": np.array([[8, 2], [0, 10]]), "b": np.array([[5, 5], [1, 9]])})
    axes = figure.axes[0]
    shown = np.ma.filled(axes.images[-1].get_array(), -1)
    assert shown[:, :2].tolist() == [[-1, 20], [0, -1]]
    assert shown[:, 2 + APART :].tolist() == [[-1, 50], [10, -1]]
    assert (shown[:, 2 : 2 + APART] == -1).all()
    assert [text.get_text() for text in axes.texts] == ["a", "b"]
    grey = [image.get_extent() for image in axes.images[:2]]  # the diagonals
    assert grey == [[-0.5, 1.5, 1.5, -0.5], [1.5 + APART, 3.5 + APART, 1.5, -0.5]]


def test_mistakes_are_labelled() -> None:
    images = np.zeros((2, 6, 6), np.uint8)
    none = np.array([], dtype=int)
    made = Mistakes(images, np.array([1, 2]), np.array([7, 3]), 2, 50)
    [axes] = mistakes_figure({"a": made, "b": Mistakes(images[:0], none, none, 0, 50)}).axes
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["a\n2 of 50", "1→7", "2→3"]  # a row without mistakes takes no line


def test_images_are_in_their_places() -> None:
    shown, made = np.full((10, 4, 4), 50, np.uint8), np.full((10, 4, 4), 200, np.uint8)
    [axes] = reconstructions_figure({"a": np.stack([shown, made])}).axes
    drawn = axes.images[0].get_array()
    assert (drawn[0, 0], drawn[4 + GAP, 0]) == (50, 200)
    numbered = np.broadcast_to(np.arange(15, dtype=np.uint8).reshape(3, 5, 1, 1), (3, 5, 4, 4))
    [axes] = moved_figure(Moved(numbered, 5)).axes
    assert axes.images[0].get_array()[2 * (4 + GAP), 4 * (4 + GAP)] == 14


def test_kept_positions_lie_over_the_pixels_they_see() -> None:
    """Positions two pixels apart, each as wide as that: the first one from the middle of pixel 7 to that of 9."""
    counts = np.arange(1, 19, dtype=float).reshape(2, 3, 3)
    figure = kept_figure({"a": Kept(counts, np.array([8.0, 10.0, 12.0]), np.zeros((2, 28, 28), np.uint8))})
    overlay = figure.axes[0].images[1]
    assert overlay.get_extent() == [-0.5, 57.5, 27.5, -0.5]
    shown = np.ma.filled(overlay.get_array(), 0)
    assert shown.shape == (2 * 28, 2 * 58)  # halves of pixels
    assert shown[:15].sum() == shown[:, :15].sum() == shown[27:].sum() == 0
    for number in range(2):
        left = 2 * 30 * number + 15
        assert shown[15:27:4, left : left + 12 : 4].tolist() == counts[number].tolist()
        assert shown[18:27:4, left + 3 : left + 12 : 4].tolist() == counts[number].tolist()
    assert shown.sum() == 16 * counts.sum()


TITLES = [f"{number} {'a long name ' * 40}" for number in range(100)]


def strange_graphs() -> Graphs:
    """What nobody wishes for: a hundred rows of long names, NaN, constants, nothing, names that would be alike."""
    nothing = float("nan")
    counts = np.diag(np.full(300, 9))
    counts[7, 250], counts[250, 8] = 5, 4
    image = np.zeros((300, 8, 8), np.uint8)
    return Graphs(
        curves={"a": {title: [[(1.0, 5.0), (2.0, 5.0)]] for title in TITLES}, "b": {"n": [[(1.0, nothing)]]}},
        samples={title: [[0.1] * 3] for title in TITLES[:20]},
        activities={"x": [[0.5, 0.5]], "y": [[]]},
        couplings={"x": [[nothing, 0.1]], "y": [[]]},
        costs=[
            ("a", "é $x$ {", 0.1, 5.0),
            ("a", "è \\frac{", 0.1, 5.0),
            ("<b>&", "\x1b[31m\u202e\ufffe😀", 0.2, nothing),
        ],
        confusions={"é": {"x": counts, "y": np.ones((2, 2), int)}, "è": {"x": np.zeros((0, 0), int)}},
        kept={"a": {"x": Kept(np.zeros((300, 2, 2)), np.array([2.0, 5.0]), image)}},
        reconstructions={"a": {"x": np.stack([image, image])}},
        moved={"a": {"x": Moved(np.zeros((2, 11, 8), np.uint8), 1)}},
        left_out=["mistakes of x on a: KeyError: 'mistakes_at'"],
    )


def test_strange_data_are_drawn_or_left_out_with_a_word() -> None:
    gallery = draw_all(strange_graphs())
    files = gallery.files()
    drawn = {drawing.name for drawing in gallery.drawings}
    assert {"curves-a", "curves-b", "costs", "samples", "confusions-é", "couplings-x", "kept-a"} <= drawn
    told = " ".join(gallery.left_out)
    for name in ("mistakes of x", "couplings-y: ", "moved-a-x: "):
        assert name in told
    assert len(files) == 2 * len(drawn)
    for drawing in gallery.drawings:
        size = drawing.figure.get_size_inches()
        assert size.max() < 40, drawing.name
        fromstring(drawing.svg)  # else it is no XML
    assert all(len(name) < 160 for name in files)


def test_of_many_classes_those_are_shown_that_are_confused() -> None:
    counts = np.diag(np.full(300, 8))
    counts[7, 250], counts[250, 8] = 2, 8
    shown = most_confused([counts, np.ones((2, 2), int)])
    assert shown == [0, 1, 7, 8, 250]
    axes = confusion_figure({"a": counts, "b": np.ones((2, 2), int)}, shown).axes[0]
    drawn = np.ma.filled(axes.images[-1].get_array(), -1)
    assert (drawn[2, 4], drawn[4, 3]) == (20.0, 50.0)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "1", "7", "8", "250"]
    assert len(most_confused([np.ones((300, 300), int)]) or []) == 20
    assert len(confusion_figure({"a": np.ones((50, 50), int)}).axes[0].get_xticks()) <= 20
    assert most_confused([np.ones((50, 50), int)]) is None


def test_of_too_many_figures_of_a_kind_the_first_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.report.figures.gallery.MOST", 2)
    rows = {title: [[0.2, 0.1]] for title in TITLES[:5]}
    gallery = draw_all(Graphs(activities=rows, couplings=rows))
    assert [drawing.name[:11] for drawing in gallery.drawings] == ["couplings-0", "couplings-1"]
    [line] = gallery.left_out
    assert line.startswith("couplings-2 a long name")
    assert "2 more" in line


def test_what_can_not_be_read_costs_no_other_figure() -> None:
    """A record is read that may have come from anywhere."""

    class Odd(Files):
        def pictures(self, key: str) -> dict[str, np.ndarray]:
            return {"mistakes": np.zeros(3), "shown": np.zeros(3)}

        def samples(self, key: str) -> list[float]:
            raise ValueError("no samples")

    graphs = build_tables(plan(), published(), frame(), OVERHEAD, Odd(), ORIGIN).graphs
    assert graphs is not None
    assert graphs.curves.keys() == {"mnist", "affnist"}
    assert any(line.startswith("samples and costs: ValueError: no samples") for line in graphs.left_out)
    assert any("answers and pictures of cnn on mnist: KeyError: 'mistakes_at'" in line for line in graphs.left_out)


def test_labels_are_short_plain_and_no_two_alike() -> None:
    found = labels(["a\nb", "a b", "x" * 500, "x" * 501, "\x1b", ""])
    assert list(found.values()) == ["a b", "a b (2)", "x" * 47 + "…", "x" * 47 + "… (2)", "?", "? (2)"]
    assert file_stems(["Costs", "é", "è", "../..", "a b", "a-b"]) == [
        "costs",
        "figure",
        "figure-2",
        "figure-3",
        "a-b",
        "a-b-2",
    ]


ELSEWHERE = """
from harness.report.figures.gallery import draw_all
from harness.report.figures.graphs import Graphs
import sys
gallery = draw_all(Graphs(samples={"a $b$": [[0.1, 0.2]]}))
assert not gallery.left_out, gallery.left_out
for name, content in gallery.files().items():
    open(sys.argv[1] + "/" + name, "wb").write(content)
"""


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
        command = [sys.executable, "-c", ELSEWHERE, str(folder)]
        said = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert (said.returncode, said.stderr) == (0, "")
        assert list((folder / "tmp").iterdir()) == []
        written[name] = {path.name: path.read_bytes() for path in folder.glob("samples.*")}
    assert written["odd"].keys() == {"samples.pdf", "samples.png"}
    assert written["odd"]["samples.png"] == written["plain"]["samples.png"]
