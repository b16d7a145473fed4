"""Escape foreign text, such as labels, remarks and messages: a function for each format.

Escaped, the text is no heading, link, command or formula in that format, and does not end its cell or line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from harness.text import plain, terminal_line

# What begins or ends code, emphasis, links, cells and strokes; an underscore inside of a word is only itself.
_MARKDOWN = re.compile(r"[\\`*\[|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.", re.IGNORECASE)
_MARKDOWN_START = re.compile(
    r"^([0-9]*)([#>]|=+$|[+-](?=[ -]|$)|(?<=[0-9])[.)](?= |$))"
)  # of a heading, list, quotation
_ENTITIES = {"&": "&amp;", "<": "&lt;", "$": "&#36;"}
_MARKUP = re.compile(r"&(?=[#A-Za-z])|<(?=[A-Za-z/!?])|\$")  # of HTML, and of formulas

TEX_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "`": r"\`{}",
    "±": r"$\pm$",
    "†": r"$\dagger$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "−": "$-$",
    "→": r"$\to$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "∞": r"$\infty$",
    "²": "$^2$",
    "³": "$^3$",
    "°": r"$^\circ$",
    "µ": r"$\mu$",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
}
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi _ pi rho _ sigma tau upsilon phi chi psi "
    "omega"
)
_CAPITALS = {
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}
TEX_SIGNS |= {chr(0x3B1 + n): rf"$\{name}$" for n, name in enumerate(_GREEK.split()) if name != "_"}
TEX_SIGNS |= {sign: rf"$\{name}$" for sign, name in _CAPITALS.items()}
_ACCENTS = {  # a combining sign to the command that sets it over a letter, in every encoding of fonts
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
_STROKES = re.compile("(?<=-)(?=-)")
_FORMULA = tuple("=+-@＝＋－＠")  # spreadsheets take a cell that begins so for a formula
_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def markdown(text: str) -> str:
    """Escape a line, heading or cell of Markdown, for the renderers of GitHub and of MLflow."""
    line = _MARKDOWN_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", terminal_line(text)))
    return _MARKUP.sub(lambda found: _ENTITIES[found[0]], line)


def latex(text: str) -> str:
    """Escape text for LaTeX, in ASCII; a character that LaTeX's standard fonts lack becomes a question mark."""
    apart = _STROKES.split(unicodedata.normalize("NFC", terminal_line(text)))  # two would become a longer one
    return "{}".join("".join(map(_tex_sign, part)) for part in apart)


def _tex_sign(sign: str) -> str:
    if sign in TEX_SIGNS or sign.isascii():
        return TEX_SIGNS.get(sign, sign)
    parts = unicodedata.normalize("NFD", sign)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return "?"


def html_value(value: Any) -> Any:
    """Remove invisible characters from text; a `finalize` function for Jinja, which escapes the text itself."""
    return plain(value) if type(value) is str else value


def web_address(address: str) -> str:
    """The address of a web page without user name and password; empty if it is not http or https."""
    try:
        parts = urlsplit(plain(address))
    except ValueError:
        return ""
    is_page = parts.scheme in {"http", "https"} and parts.hostname
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if is_page else ""


def csv_cell(value: Any) -> Any:
    """Escape text that a spreadsheet would take for a formula with an apostrophe; other values stay as they are."""
    if not isinstance(value, str):
        return value
    text = terminal_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def json_text(content: Any) -> str:
    """JSON without characters that control a terminal.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return _JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
