"""The page: whole, sound, escaped, the same from the same data; and the data of each figure."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from example import SECONDS, SIGNS, example

from harness.report.figures import activities_figure, costs_figure, couplings_figure, curves_figure, draw_all
from harness.report.formats import FORMATS
from harness.report.rows import Tables
from harness.report.sheets import all_sheets

VOID = {"meta", "link", "br", "img", "input", "hr", "use", "path", "stop", "line", "rect"}


class Reader(HTMLParser):
    """Counts elements, checks that they are closed in order, and keeps the text and the identifiers."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.open: list[str] = []
        self.text = ""
        self.identifiers: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.identifiers.append(value)
            if name in ("aria-labelledby", "href") and value and "svg" not in self.open:
                self.references.append(value.removeprefix("#"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def tables() -> Tables:
    return example()


@pytest.fixture(scope="module")
def page(tables: Tables) -> str:
    return FORMATS["html"](tables)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_it_is_whole_and_every_reference_has_its_place(tables: Tables, page: str) -> None:
    found = read(page)
    assert found.counts["h1"] == found.counts["main"] == 1
    assert found.counts["table"] == found.counts["caption"] == len(all_sheets(tables))
    assert found.counts["figure"] == found.counts["figcaption"] == len(draw_all(tables.graphs))  # type: ignore[arg-type]
    assert set(found.references) <= set(found.identifiers)
    for verdict in tables.verdicts:
        assert verdict.sentence in found.text
        assert verdict.evidence in found.text
    for sheet in all_sheets(tables):
        for row in sheet.rows:
            for cell in row:
                assert cell in found.text


def test_it_needs_nothing_from_elsewhere_and_is_small(page: str) -> None:
    assert not re.search(r"""(src|href)=["'](?!#)""", page)
    assert "@import" not in page
    assert len(page) < 5_000_000


def test_what_comes_from_outside_is_escaped(tables: Tables) -> None:
    bad = "<script>alert(1)</script>"
    hostile = replace(tables, suite=bad, failures={bad: bad}, environment={"machine.cpu": bad})
    assert bad not in FORMATS["html"](hostile)
    assert SIGNS.replace("&", "&amp;") in FORMATS["html"](tables)


def test_the_same_data_give_the_same_page(tables: Tables, page: str) -> None:
    assert FORMATS["html"](example()) == page


def test_without_figures_and_claims(tables: Tables) -> None:
    found = read(FORMATS["html"](replace(tables, graphs=None, verdicts=[], pairs=[])))
    assert "figure" not in found.counts


def test_data_of_the_figures(tables: Tables) -> None:
    assert tables.graphs is not None
    graphs = tables.graphs
    assert graphs.samples["capsnet r=3"][0][1] == SECONDS[0][0]
    assert graphs.couplings.keys() == {"capsnet r=3"}
    assert set(graphs.curves) == {"mnist", "affnist"}
    assert ("mnist", "capsnet r=3", 1.7, pytest.approx(0.5)) in graphs.costs


def test_what_is_drawn() -> None:
    left, right = couplings_figure([3.0, 2.0], [0.2, 0.1]).axes
    assert left.lines[0].get_ydata().tolist() == [3.0, 2.0]
    assert right.lines[0].get_ydata().tolist() == [0.2, 0.1]
    [axes] = activities_figure({"a": [[1.0, 0.5], [0.8, 0.3]]}).axes
    assert axes.lines[0].get_ydata() == pytest.approx(np.array([0.9, 0.4]))
    [axes] = curves_figure({"a": [[(1, 10.0), (2, 6.0)], [(1, 20.0), (2, 8.0)]]}).axes
    assert axes.lines[0].get_ydata() == pytest.approx(np.array([15.0, 7.0]))
    assert axes.collections[0].get_paths()[0].get_extents().y1 == 20.0  # the band reaches to the highest seed
    first, second = costs_figure([("mnist", "a", 0.1, 5.0), ("affnist", "a", 0.1, 50.0)]).axes
    assert (first.lines[0].get_ydata()[0], second.lines[0].get_ydata()[0]) == (5.0, 50.0)
