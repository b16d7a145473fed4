"""The report in each format, against golden files and by its structure.

`python tests/harness/report/example.py` writes the golden files anew; look at the difference before you keep it.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.report.render.cells import number, signed
from harness.report.render.formats import FORMATS
from harness.report.render.numbers import rounded
from harness.report.render.to_data import to_csv, to_json
from harness.report.render.to_latex import to_latex
from harness.report.render.to_markdown import to_markdown
from harness.report.tables.rows import Tables, TimeRow
from tests.harness.report.example import GOLDEN, SIGNS, example, rendered, terminal


@pytest.fixture(scope="module")
def tables() -> Tables:
    return example()


@pytest.mark.parametrize("name", rendered())
def test_golden(name: str) -> None:
    assert rendered()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(rendered())


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_terminal_is_wide_enough(tables: Tables, width: int) -> None:
    drawn = terminal(tables, width).splitlines()
    assert max(map(len, (line.rstrip() for line in drawn))) <= width


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_number_is_cut_in_a_narrow_terminal(tables: Tables, width: int) -> None:
    text = terminal(tables, width)
    assert "…" not in text
    for shown in ("1.50 ± 0.38", "31.50 ± 1.47", "1.7340 ± 0.0589", "+0.002*", "0.02–0.05", "0.0550"):
        assert shown in text


def test_names_stand_above_numbers_where_they_would_be_squeezed(tables: Tables) -> None:
    lines = [line.rstrip() for line in terminal(tables).splitlines()]
    start = lines.index("Seconds per training iteration")
    place = lines.index(" lcapsnet K=50 9×9", start)
    assert lines[place + 1].split()[:2] == ["0.2034", "0.2142"]
    assert any(line.startswith(" lcapsnet K=50 9×9 ") for line in terminal(tables, 120).splitlines()[start:])


def test_a_terminal_without_colours_gets_none(tables: Tables) -> None:
    assert "\x1b" not in terminal(tables)


def test_brackets_are_text_and_no_markup(tables: Tables) -> None:
    text = " ".join(terminal(tables, 200).split())
    assert SIGNS in text
    assert "[red]size_mismatch" in text


LATEX_SPECIAL = re.compile(r"(?<!\\)[&%_#$^~]")


def test_latex_is_sound(tables: Tables) -> None:
    text = to_latex(tables)
    balance = 0
    for sign in re.sub(r"\\\\|\\[{}]", "", text):
        balance += {"{": 1, "}": -1}.get(sign, 0)
        assert balance >= 0
    assert balance == 0
    for environment in ("table", "tabular"):
        assert text.count(f"\\begin{{{environment}}}") == text.count(f"\\end{{{environment}}}") == 5
    for line in text.splitlines():
        if line.startswith("    ") and not line.strip().startswith("\\"):
            cells = line.strip().removesuffix(r"\\")
            known = re.sub(r"\$(\\pm|\\times|\\cdot|-)\$", "", cells)
            assert not LATEX_SPECIAL.search(known.replace(" & ", " ")), line


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed here")
def test_latex_compiles(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "tables.tex").write_text(to_latex(tables), encoding="utf-8")
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{tables}\end{document}"
    (tmp_path / "document.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stdout[-2000:]
    assert (tmp_path / "document.pdf").stat().st_size > 10_000


def test_latex_rows_have_as_many_cells_as_columns(tables: Tables) -> None:
    columns = 0
    for line in to_latex(tables).splitlines():
        begun = re.search(r"\\begin\{tabular\}\{(l r*)\}".replace(" ", ""), line)
        if begun:
            columns = len(begun[1])
        elif line.rstrip().endswith(r" \\"):
            assert len(re.split(r"(?<!\\)&", line)) == columns, line


def test_latex_escapes_each_sign(tables: Tables) -> None:
    expected = r"mine [b]a\_b \& 50\% \{x\} \#1 \$5 \textasciitilde{}\textasciicircum{} \textbackslash{} \textbar{} * &"
    assert expected in to_latex(tables)


def test_markdown_tables_have_as_many_cells_as_columns(tables: Tables) -> None:
    text = to_markdown(tables)
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1
    assert not re.search(r"^- \* ", text, re.MULTILINE)  # that would be a list in a list


def test_json_has_what_it_promises(tables: Tables) -> None:
    document = json.loads(to_json(tables))
    promised = {"variant", "config", "task", "published", "measured", "standard_error", "n", "comparable", "reason"}
    for table, unit in (("errors", "percent"), ("times", "seconds")):
        assert document[table]
        for row in document[table]:
            assert promised <= row.keys()
            assert row["unit"] == unit
            assert row["comparable"] is (row["reason"] == "")
    first = document["errors"][0]
    assert (first["variant"], first["task"], first["published"], first["n"]) == ("cnn", "mnist", 0.39, 3)
    assert first["measured"] == pytest.approx(1.5)
    assert (document["suite"], document["profile"], document["fraction"]) == ("example", "laptop", 0.25)
    assert document["budget_seconds"] == 1200


def test_json_has_no_number_that_json_does_not_know(tables: Tables) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(to_json(tables), parse_constant=refuse)


def test_numbers_do_not_tell_the_processor(tables: Tables) -> None:
    """The last digits of a sum depend on the order of its parts, which differs with the width of a processor."""

    def moved(row: TimeRow) -> TimeRow:
        by = {n: np.nextafter(v, 9) for n, v in dataclasses.asdict(row).items() if isinstance(v, float) and v}
        return dataclasses.replace(row, **by)

    other = dataclasses.replace(tables, times=[moved(row) for row in tables.times])
    assert other != tables
    assert to_csv(other) == to_csv(tables)
    assert to_json(other) == to_json(tables)


def test_twelve_digits_of_a_number_and_none_of_what_is_no_number() -> None:
    assert rounded({"a": [1 / 3, (2e9 / 3, 7)], "b": "1"}) == {"a": [0.333333333333, [666666666.667, 7]], "b": "1"}
    assert rounded([math.nan, math.inf, -math.inf, True, None]) == [None, None, None, True, None]


def test_the_sign_of_nothing_does_not_tell_the_processor(tables: Tables) -> None:
    row = dataclasses.replace(tables.errors[0], measured=0.39 - 1e-16, published=0.39)
    assert row.measured != row.published
    assert row.difference == 0
    assert signed(-1e-17, 2) == signed(1e-17, 2) == "+0.00"
    assert (signed(-0.015, 2), number(0.125 - 2e-17, 2)) == ("−0.01", "0.12")
    assert [number(math.nan, 2), signed(math.inf, 2)] == ["–", "–"]


def test_csv_has_a_line_for_each_row_of_either_table(tables: Tables) -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(tables))))
    assert [line["table"] for line in lines] == ["errors"] * len(tables.errors) + ["times"] * len(tables.times)
    rows = [*tables.errors, *tables.times]
    for line, row in zip(lines, rows, strict=True):
        assert line["title"] == row.title
        assert json.loads(line["config"]) == row.config
        assert (float(line["measured"]) if line["measured"] else None) == rounded(row.measured)
        assert (float(line["published"]) if line["published"] else None) == row.published
        assert "." not in line["iterations"] + line["parameters"]  # what is counted is whole


def test_the_same_tables_give_the_same_bytes() -> None:
    for kind, make in FORMATS.items():
        assert make(example()) == make(example()), kind


def test_numbers_agree_between_formats(tables: Tables) -> None:
    markdown, latex = to_markdown(tables), to_latex(tables)
    for row in tables.errors:
        if row.measured is not None and row.standard_error is not None:
            assert f"{row.measured:.2f} ± {row.standard_error:.2f}" in markdown
            assert f"{row.measured:.2f} $\\pm$ {row.standard_error:.2f}" in latex
