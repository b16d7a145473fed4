"""Prints how often the report's procedures find what is not true, and what is: at full size in half an hour.

`PYTHONPATH=. python tests/harness/report/simulation.py --tables pairs ratios --runs 0.1`
"""

from __future__ import annotations

import argparse

from tests.harness.report.simulations.tables import TABLES


def main() -> None:
    """Print tables of Markdown, line by line as they are made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--runs", type=float, default=1.0, help="times those of the full tables")
    wanted = parser.parse_args()
    for name in wanted.tables:
        for line in TABLES[name].markdown(wanted.runs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
