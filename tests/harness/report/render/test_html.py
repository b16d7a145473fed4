"""The page: whole, sound, escaped, the same from the same data; and the data of each figure."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from harness.report.figures.all_figures import draw_all
from harness.report.render.all_tables import all_tables
from harness.report.render.formats import FORMATS
from harness.report.tables.rows import Tables
from tests.harness.report.example import SIGNS, example

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
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.identifiers.append(value)
            if name in ("src", "href", "xlink:href", "action", "data") and value and tag != "a":
                self.loaded.append(value)
            if name in ("aria-labelledby", "href") and value and "svg" not in self.open and "://" not in value:
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
    assert found.counts["table"] == found.counts["caption"] == len(all_tables(tables))
    assert found.counts["figure"] == found.counts["figcaption"] == len(draw_all(tables.rows_of, tables.errors).drawn)
    assert set(found.references) <= set(found.identifiers)
    for verdict in tables.verdicts:
        assert verdict.sentence in found.text
        assert verdict.evidence in found.text
    for table in all_tables(tables):
        for row in table.rows:
            for cell in row:
                assert cell in found.text


def test_it_needs_nothing_from_elsewhere_and_is_small(page: str) -> None:
    assert all(each.startswith(("#", "data:image/png;base64,")) for each in read(page).loaded)
    assert not re.search(r"@import|url\((?!#)", page)
    assert len(page) < 5_000_000


def test_what_comes_from_outside_is_escaped(tables: Tables) -> None:
    bad = "<script>alert(1)</script>"
    hostile = replace(tables, suite=bad, failures={bad: bad}, environment={"machine.cpu": bad})
    assert bad not in FORMATS["html"](hostile)
    assert SIGNS.replace("&", "&amp;") in FORMATS["html"](tables)


def test_the_same_data_give_the_same_page(tables: Tables, page: str) -> None:
    assert FORMATS["html"](example()) == page


def test_it_tells_how_and_by_what_it_was_made(page: str) -> None:
    found = read(page)
    assert (
        "20 epochs of 60,000 images in batches of 100, which are 12,000 iterations, of which 3,000 were run"
        in found.text
    )
    assert "tested after the last iteration on 1,000 images at most, drawn by class, of each test set" in found.text
    assert "python -m harness run example.yaml" in found.text
    assert "name: example  # <all> of it" in found.text
    assert 'href="http://127.0.0.1:5000/#/experiments/1/runs/f00d?workflowType=machine_learning"' in page


def test_without_figures_and_claims(tables: Tables) -> None:
    found = read(FORMATS["html"](replace(tables, rows_of=None, verdicts=[], pairs=[], origin=None, errors=[])))
    assert "figure" not in found.counts


def test_what_was_found_comes_first(tables: Tables, page: str) -> None:
    """Headline, tables, one figure, a line for each verdict: all else is folded."""
    body = page[page.index("<body") :]
    unfolded = re.sub(r"<details>.*?</details>", lambda m: m[0][: m[0].index("</summary>")], body, flags=re.DOTALL)
    order = [
        "Of 7 claims: 3 reproduced",
        "Lowest error on mnist",
        'id="sheet-1"',
        'id="sheet-2"',
        "<figure>",
        'id="claims"',
    ]
    places = [unfolded.index(mark) for mark in order]
    assert places == sorted(places)
    assert unfolded.count("<figure>") == 1
    for verdict in tables.verdicts:
        assert html.escape(verdict.sentence, quote=False) in unfolded
        assert html.escape(verdict.evidence, quote=False) not in unfolded
