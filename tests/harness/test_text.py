"""Foreign text is shown without what would steer a terminal."""

from __future__ import annotations

import pytest

from harness.text import duration, one_line, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 9×9 · é 🜁\n\ttab", "größe 9×9 · é 🜁\n\ttab"),
        ("\x1b[31mred\x1b[0m\x07", "[31mred[0m"),
        ("\x1b]52;c;aGk=\x07", "]52;c;aGk="),
        ("a\x9b31mb\x7f\x00\r", "a31mb"),
        ("exe\u202etxt.\u2066", "exetxt."),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_every_control_character_goes_but_tab_and_newline() -> None:
    controls = [chr(n) for n in [*range(32), *range(0x7F, 0xA0)]]
    assert plain("".join(controls)) == "\t\n"


def test_one_line() -> None:
    assert one_line("a\nb\u2028c\x85d\x1be") == "a b c de"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (200, "3m 20s"),
        (3599, "59m 59s"),
        (18_120, "5h 02m"),
        (90_000, "25h 00m"),
    ],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
