"""The report in a browser: opened from disk, sorted, read by everybody, in the dark, on a phone, printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.report.render.all_tables import all_tables
from harness.report.render.formats import FORMATS
from tests.harness.report.example import SECONDS, example

pytestmark = pytest.mark.slow
Visit = Callable[..., Any]
DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the example on disk."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(FORMATS["html"](example()), encoding="utf-8")
    return path.as_uri()


def column(page: Any, table: int, number: int) -> list[str]:
    return page.locator("table").nth(table).locator(f"tbody tr > :nth-child({number})").all_inner_texts()


def test_it_loads_nothing_else_and_complains_of_nothing(visit: Visit, address: str) -> None:
    opened = visit(address)
    opened.page.wait_for_load_state("networkidle")
    assert opened.complaints == []
    assert [url for url in opened.loaded if not url.startswith("data:")] == [address]


def test_tables_sort_by_mouse_and_by_key(visit: Visit, address: str) -> None:
    page = visit(address).page
    place = [table.title.startswith("Seconds") for table in all_tables(example())].index(True)
    heads = page.locator("table").nth(place).locator("thead button")
    median = heads.all_inner_texts().index("median")
    before = column(page, place, median + 1)
    heads.nth(median).click()
    rising = column(page, place, median + 1)
    assert [float(text) for text in rising] == sorted(float(text) for text in before)
    assert len(set(rising)) == len(SECONDS)
    head = page.locator("table").nth(place).locator("thead th").nth(median)
    assert head.get_attribute("aria-sort") == "ascending"
    heads.nth(median).focus()
    page.keyboard.press("Enter")
    assert column(page, place, median + 1) == rising[::-1]
    assert head.get_attribute("aria-sort") == "descending"
    heads.nth(0).click()
    assert column(page, place, 1) == sorted(column(page, place, 1), key=str.casefold)
    assert head.get_attribute("aria-sort") is None


def test_every_figure_is_drawn(visit: Visit, address: str) -> None:
    page = visit(address).page
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    figures = page.locator("figure svg")
    assert figures.count() >= 10
    for number in range(figures.count()):
        box = figures.nth(number).bounding_box()
        assert box["width"] > 300
        assert box["height"] > 40
    undrawn = page.evaluate(
        """async () => {
          const found = [...document.querySelectorAll("figure image")];
          const drawn = await Promise.all(found.map(each => {
            const image = new Image();
            image.src = each.href.baseVal;
            return image.decode().then(() => image.naturalWidth > 0, () => false);
          }));
          return [found.length, drawn.filter(each => !each).length];
        }"""
    )
    assert undrawn[0] > 10
    assert undrawn[1] == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_it_can_be_read_by_everybody(visit: Visit, address: str, size: tuple[int, int], scheme: str) -> None:
    """No violation of the rules of axe-core: landmarks, names, tables, contrast."""
    from axe_playwright_python.sync_playwright import Axe

    page = visit(address, size, scheme).page
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_link_opens_what_is_folded(visit: Visit, address: str) -> None:
    page = visit(address).page
    assert not page.locator(".figures").is_visible()
    page.get_by_role("link", name="Figures").click()
    page.locator(".figures").wait_for(state="visible")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_first_screen_says_what_was_found(visit: Visit, address: str, size: tuple[int, int]) -> None:
    page = visit(address, size).page
    for text in ("Of 7 claims: 3 reproduced", "Lowest error on mnist: capsnet r=3"):
        box = page.get_by_text(text).first.bounding_box()
        assert box["y"] + box["height"] < size[1]
    assert page.locator("table").first.bounding_box()["y"] < size[1]


def test_dark_is_dark(visit: Visit, address: str) -> None:
    def lightness(scheme: str) -> float:
        page = visit(address, scheme=scheme).page
        return sum(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")) / 3

    assert lightness("dark") < 60 < 200 < lightness("light")


def test_nothing_sticks_out_on_a_phone(visit: Visit, address: str) -> None:
    page = visit(address, PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    wide = page.locator(".wide").first
    assert wide.evaluate("each => each.scrollWidth > each.clientWidth")  # the table itself can be moved
    assert page.locator("p").first.evaluate("each => parseFloat(getComputedStyle(each).fontSize)") >= 14


def test_it_prints_whole(visit: Visit, address: str) -> None:
    page = visit(address).page
    assert not page.locator("details").first.evaluate("each => each.open")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.wide')).overflowX") == "visible"
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") + printed.count(b"/Type/Page/") > 2
