"""The documentation's fenced blocks, the commands that it gives, and the links between its pages."""

from __future__ import annotations

import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: the name of its page, its language ("" if none is named) and its text without indentation."""

    page: str
    language: str
    text: str


def blocks(language: str, page: str = "") -> list[Block]:
    """The blocks of a language, on all pages or on one."""
    return [
        Block(path.name, found[2], textwrap.dedent(found[3]))
        for path in PAGES
        for found in BLOCK.finditer(path.read_text(encoding="utf-8"))
        if found[2] == language and page in ("", path.name)
    ]


def block_with(part: str) -> str:
    """The text of the one block of Python that has a part.

    Raises:
        ValueError: none has it, or several have.
    """
    [text] = [block.text for block in blocks("python") if part in block.text]
    return text


def shell_lines() -> list[str]:
    """The lines of all blocks that name no language, each a command in most of them."""
    return [line for block in blocks("") for line in block.text.splitlines()]


def spans() -> list[str]:
    """What stands between backticks in the text of the pages, each on one line."""
    texts = [BLOCK.sub("", path.read_text(encoding="utf-8")) for path in PAGES]
    return [" ".join(span.split()) for text in texts for span in SPAN.findall(text)]


def commands(program: str, lines: list[str]) -> list[tuple[str, ...]]:
    """The arguments of a program wherever lines begin with it, after variables of the environment or none."""
    pattern = re.compile(rf"^(?:[A-Za-z_]+=\S+ )*{program}(?: (.*))?$")
    matches = [pattern.match(line) for line in lines]
    found = {tuple(shlex.split(match[1] or "", comments=True)) for match in matches if match}
    return sorted(found)


def links() -> list[tuple[Path, str]]:
    """The links to files, each with the page that has it."""
    found = [(path, link) for path in PAGES for link in LINK.findall(path.read_text(encoding="utf-8"))]
    return [(path, link) for path, link in found if "://" not in link]
