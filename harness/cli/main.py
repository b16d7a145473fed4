"""The application of the command line, and the exit codes of its commands."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from harness.cli.clean import clean
from harness.cli.compare import compare
from harness.cli.data import data_app
from harness.cli.doctor import doctor
from harness.cli.inputs import given_command
from harness.cli.list import list_
from harness.cli.plan import plan
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.streams import outlive_readers
from harness.cli.ui import ui
from harness.compiler_folders import remove_empty_folders
from harness.errors import UserError
from harness.text import one_line

INTERRUPTED = 130

app = typer.Typer(
    name="harness",
    help="Trains, times and compares variants of capsule networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run)
app.command("plan")(plan)
app.command("report")(report)
app.command("compare")(compare)
app.command("list")(list_)
app.command("ui")(ui)
app.command("clean")(clean)
app.command("doctor")(doctor)
app.add_typer(data_app, name="data")


def main() -> NoReturn:
    """Run a command. Exit codes: 0 well, 1 a trial failed, 2 the user's mistake, 130 interrupted."""
    outlive_readers()
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        _leave(str(error), 2)
    except typer.TyperException as error:
        _leave(error.format_message().replace("\t", ""), 2)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except MemoryError:
        _leave("there is too little memory for this; free some, or give it less to do.", 1)
    except SystemExit as error:  # no command of ours ends by it
        _leave(
            f"a plugin or a library has ended the program with sys.exit({error.code!r}) before the command was done; "
            f"remove that from it.",
            2,
        )
    finally:
        remove_empty_folders()
    if code == INTERRUPTED:  # as typer turns Ctrl-C into a code
        _leave(f"interrupted; what is done is kept, and this resumes it: {given_command()}", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _leave(text: str, code: int) -> NoReturn:
    print(one_line(text), file=sys.stderr)
    sys.exit(code)
