"""Names in figures, and of their files."""

from __future__ import annotations

from harness.drawing.labels import file_stems, labels


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
