"""The tables of a report as LaTeX."""

from __future__ import annotations

import re

from harness.report.render.all_tables import all_tables
from harness.report.render.circumstances import conditions
from harness.report.render.escape import latex
from harness.report.render.text_table import TextTable
from harness.report.tables.rows import Tables


def to_latex(tables: Tables) -> str:
    """The tables as LaTeX, for the package booktabs."""
    return "\n".join(_latex_table(table, conditions(tables)) for table in all_tables(tables))


def _caption(title: str) -> str:
    """The title of a table without its number, which LaTeX adds itself."""
    return re.sub(r"^Table \d+\. ", "", title)


def _latex_table(table: TextTable, how: str) -> str:
    columns = "l" + "r" * (len(table.columns) - 1)
    body = [f"    {_latex_line(row)}" for row in table.rows]
    lines = [
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{latex(_caption(table.title))} ({latex(how)}).}}",
        f"  \\begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {_latex_line(table.columns)}",
        r"    \midrule",
        *body,
        r"    \bottomrule",
        r"  \end{tabular}",
        *[f"  \\\\{{\\footnotesize {latex(note)}}}" for note in table.notes],
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _latex_line(cells: list[str]) -> str:
    line = " & ".join(map(latex, cells)) + r" \\"
    return "{}" + line if line.startswith(("[", "*")) else line  # the end of the row above would take these for its own
