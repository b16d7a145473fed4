"""Foreign text in every output of a report: it is text there, whatever it would be elsewhere."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example as tried
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.report.figures.all_figures import ReportFigures
from harness.report.render.escape import TEX_SIGNS, csv_cell, json_text, latex, markdown, web_address
from harness.report.render.to_data import to_csv, to_json
from harness.report.render.to_html import to_html
from harness.report.render.to_latex import to_latex
from harness.report.render.to_markdown import to_markdown
from harness.report.tables.rows import Origin, Tables
from tests.harness.report.example import example, terminal

PIECES = [
    "<script>alert(1)</script>",
    "<!-- ",
    "&lt;b&#x3e;",
    "' onload='x",
    '" onload="x',
    "javascript:alert(1)",
    "](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "http://evil.example www.evil.example",
    "[red]bold[/x]",
    "\n\n# heading\n\n",
    "# ",
    "- - ",
    "1. ",
    "> ",
    "```\n",
    "~~~",
    "    code",
    "**b** _e_ __s__ `c`",
    "| a | b |",
    "$x$ $$",
    "\\",
    "\\input{/etc/passwd}",
    "\\\\[1cm]",
    "}{%",
    "^^41",
    "=HYPERLINK('http://evil.example')",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\x1b]52;c;QUJD\x07\x1b[31m",
    "\x9b31m",
    "\u202egnp.exe\u2066",
    "\u2028",
    "\ud800",
    "\x00",
    "{{ 7 * 7 }}",
    "αé漢😀×–",
]
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=4).map(
    lambda pieces: "".join(pieces).replace(";", "")
)

OURS = {"unit", "word", "finding", "page", "pages", "overhead"}  # fields that hold no foreign text, or addresses
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
TABLES = dataclasses.replace(example(), rows_of=None)  # figures have a test of their own


def infected(value: Any, text: str) -> Any:
    """The same data with a text before every text in it."""
    if isinstance(value, str):
        return f"{text}x{value}"  # never empty nor a word that means something
    if isinstance(value, list):
        return [infected(each, text) for each in value]
    if isinstance(value, dict):
        return {infected(name, text): infected(each, text) for name, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.name not in OURS]
        return dataclasses.replace(value, **{name: infected(getattr(value, name), text) for name in fields})
    return value


class Elements(HTMLParser):
    """Counts elements with the names of their attributes, and keeps addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, ...]] = Counter()
        self.addresses: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag, *(name for name, _ in attrs)] += 1
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]


def markdown_kinds(text: str) -> Counter[str]:
    """How many there are of each kind of thing in a Markdown page."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = reader.parse(text)
    kinds = Counter(token.type for token in tokens)
    kinds.update(child.type for token in tokens for child in token.children or () if child.type != "text")
    return kinds


HARMLESS = infected(TABLES, "")
KNOWN_MARKDOWN, KNOWN_TEX = markdown_kinds(to_markdown(HARMLESS)), to_latex(HARMLESS)
KNOWN_HTML = Elements(to_html(HARMLESS, ReportFigures())).found
COMMANDS = re.compile(r"\\[A-Za-z]+")
SIGNS = "".join(TEX_SIGNS.values()) + r"\c\r\u\v\H"
LATEX_COMMANDS = {*COMMANDS.findall(KNOWN_TEX), *COMMANDS.findall(SIGNS)}


@settings(max_examples=20, deadline=None)
@given(HOSTILE)
@tried("".join(PIECES))
@tried("=1")
@tried("[x")
def test_foreign_text_is_text_in_every_output(text: str) -> None:
    tables = infected(TABLES, text)
    check_markdown(to_markdown(tables))
    check_latex(to_latex(tables))
    check_csv(to_csv(tables), tables)
    check_json(to_json(tables), tables)
    check_html(to_html(tables, ReportFigures()))
    assert not CONTROLS.search(terminal(tables))


def check_markdown(text: str) -> None:
    assert markdown_kinds(text) == KNOWN_MARKDOWN
    assert not CONTROLS.search(text)
    assert not re.search(r"(?<!\\)://|www(?<!\\)\.", text)  # readers that make links of bare addresses


def check_latex(text: str) -> None:
    assert text.isascii()
    assert not CONTROLS.search(text)
    assert text.count("\n") == KNOWN_TEX.count("\n")
    plain = re.sub(r"\\[\\{}%&#_$^~\"'`=.]", "", text)
    assert plain.count("{") == plain.count("}")
    assert "%" not in plain
    assert "#" not in plain
    for row in re.findall(r"\\(?:top|mid)rule\n(.*?)    \\(?:mid|bottom)rule", text, re.DOTALL):
        assert not re.search(r"^ *[\[*]", row, re.MULTILINE)
    assert set(COMMANDS.findall(text)) <= LATEX_COMMANDS


def check_csv(text: str, tables: Tables) -> None:
    assert not CONTROLS.search(text)
    lines = list(csv.reader(io.StringIO(text)))
    assert len(lines) == 1 + len(tables.errors) + len(tables.times)
    assert len({len(line) for line in lines}) == 1
    for cell in (cell for line in lines for cell in line if cell.startswith(tuple("=+-@\t\r"))):
        float(cell)
    column = lines[0].index("measured")
    assert [line[column] for line in lines[1:3]] == ["1.5", "31.5"]


def check_json(text: str, tables: Tables) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    document = json.loads(text, parse_constant=refuse)
    assert document["suite"] == tables.suite
    assert [row["label"] for row in document["errors"]] == [row.label for row in tables.errors]
    assert not CONTROLS.search(text)


def check_html(text: str) -> None:
    elements = Elements(text)
    assert elements.found == KNOWN_HTML
    assert all(address.startswith(("#", "http://127.0.0.1:5000/")) for address in elements.addresses)
    assert not CONTROLS.search(re.sub("[\t\u2028\u2029]", "", text))
    text.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("routing_iterations 5.5 < 6 & 7%", "routing_iterations 5.5 < 6 & 7%"),
        ("-1 +2 −3 9×9 (r=3)", "-1 +2 −3 9×9 (r=3)"),
        ("# a\nb", r"\# a b"),
        ("2. a", r"2\. a"),
        ("_a_ <b> &amp; [c](d)", r"\_a\_ &lt;b> &amp;amp; \[c](d)"),
        ("a|b https://x", r"a\|b https\://x"),
    ],
)
def test_markdown_changes_no_more_than_it_must(text: str, expected: str) -> None:
    assert markdown(text) == expected
    read = unescape(MarkdownIt("commonmark").renderInline(markdown(text)))
    assert read == text.replace("\n", " ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zoë, α=0.5, 9×9", r"Zo\"{e}, $\alpha$=0.5, 9$\times$9"),
        ("a--b – c", "a-{}-b -- c"),
        ("漢\n字", "? ?"),
        (r"\input{x} 5%", r"\textbackslash{}input\{x\} 5\%"),
        ("e\u0301 ł ²", r"\'{e} \l{} $^2$"),
    ],
)
def test_latex_is_what_its_fonts_have(text: str, expected: str) -> None:
    assert latex(text) == expected


def test_cells_are_no_formulas_and_numbers_stay() -> None:
    assert [csv_cell(each) for each in ("=1", "+1", "-x", "@a", "\t=1", "＝1", "a=1")] == [
        "'=1",
        "'+1",
        "'-x",
        "'@a",
        "'=1",
        "'＝1",
        "a=1",
    ]
    assert [csv_cell(each) for each in (-1.5, 3, None, True)] == [-1.5, 3, None, True]


def test_json_keeps_every_sign_and_shows_none_that_steers() -> None:
    text = "\x1b[31m\x9b\u202e\ud800 é漢"
    written = json_text({text: text})
    assert json.loads(written) == {text: text}
    assert "é漢" in written
    assert not CONTROLS.search(written)


def test_only_pages_of_the_web_are_linked() -> None:
    assert web_address("http://a.example:5000/#/x?y") == "http://a.example:5000/#/x?y"
    assert web_address("https://bob:secret@a.example/x") == "https://a.example/x"
    for address in (
        "javascript:alert(1)",
        "\x01javascript:x",
        "data:text/html,x",
        "file:///etc",
        "//x",
        "",
        "http://[x",
    ):
        assert web_address(address) == ""
    page = to_html(dataclasses.replace(TABLES, origin=Origin("c", "s", {}, "javascript:alert(1)", {})))
    assert "javascript:" not in page
