"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from harness.caches import remove_empty_caches
from harness.cli.streams import outlive_readers, standard_output
from harness.errors import UserError
from harness.paths import require_home, usable
from harness.record.pages import PORT
from harness.text import one_line, plain

if TYPE_CHECKING:
    from typing import TextIO

    from harness.cli.console import PlainConsole
    from harness.record.address import TrackingUri as Address
    from harness.suite.options import Options
    from harness.suite.schema import Chosen

app = typer.Typer(
    name="harness",
    help="Trains, times and compares variants of capsule networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Datasets: fetch, verify, show.", no_args_is_help=True)
app.add_typer(data_app, name="data")


def _usable(value: Any) -> Any:
    """The paths of an option, their `~` expanded.

    Raises:
        UserError: the file system can't have such a name.
    """
    if isinstance(value, list):
        return [_usable(each) for each in value]
    return usable(value) if isinstance(value, Path) else value


SuitePath = Annotated[Path, typer.Argument(metavar="SUITE", help="A suite's YAML file.", callback=_usable)]
ProfileName = Annotated[str | None, typer.Option(metavar="NAME", help="A profile of the suite.")]
Budget = Annotated[str | None, typer.Option(metavar="TIME", help="Fit the suite into so long: 20m, 2h.")]
Fraction = Annotated[float | None, typer.Option(metavar="SHARE", help="Run that share of every protocol: 0.05.")]
DataDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Where datasets are kept.", callback=_usable)]
TrackingUri = Annotated[str | None, typer.Option(metavar="URI", help="An MLflow server, or sqlite:///FILE.")]
Results = Annotated[Path, typer.Option(metavar="DIR", help="Where the record and the reports go.", callback=_usable)]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Registers variants, datasets.", callback=_usable),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
RESULTS = Path("results")
INTERRUPTED = 130


@app.command()
def run(
    suite: SuitePath,
    profile: ProfileName = None,
    budget: Budget = None,
    fraction: Fraction = None,
    only: Annotated[str | None, typer.Option(metavar="GLOB", help="Only trials with such a name.")] = None,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster; RAY_ADDRESS, else embedded, if not given.")
    ] = None,
    tracking_uri: TrackingUri = None,
    data_dir: DataDir = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    serial: Annotated[bool, typer.Option("--serial", help="One process, no Ray: for debugging.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a claim of the suite is contradicted.")] = False,
) -> None:
    """Run what is missing of a suite and write its tables. The same command goes on after a stop."""
    chosen, options = _prepare(suite, profile, budget, fraction, tracking_uri, data_dir, results, plugin)
    from dataclasses import replace

    from harness.report.terminal import print_tables
    from harness.run import run_suite

    options = replace(options, only=only, cluster=address, serial=serial)
    console = _console()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell lets its background jobs ignore the first
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that is closed stops nothing; workers inherit it
    outcome = run_suite(chosen, options, console)
    print_tables(outcome.tables, _console(stderr=False))
    console.print(f"\nreport: {outcome.files[0]}   browse: python -m harness ui")
    if outcome.failed:
        console.print(f"{len(outcome.failed)} trials failed; see their error.txt in MLflow", style="red")
        raise typer.Exit(1)
    contradicted = [verdict.sentence for verdict in outcome.tables.verdicts if verdict.word == "contradicted"]
    if strict and contradicted:
        console.print(f"contradicted: {'; '.join(contradicted)}", style="red")
        raise typer.Exit(1)


@app.command()
def plan(
    suite: SuitePath,
    profile: ProfileName = None,
    budget: Budget = None,
    fraction: Fraction = None,
    tracking_uri: TrackingUri = None,
    data_dir: DataDir = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Show what `run` would do: trials done and new, before anything runs."""
    with standard_output(alone=as_json) as out:
        chosen, options = _prepare(suite, profile, budget, fraction, tracking_uri, data_dir, results, plugin)
        from harness.cli.plan import preview, print_preview

        shown = preview(chosen, options)
        if as_json:
            _print_json(shown, out)
        else:
            print_preview(shown, _console(stderr=False))


@app.command()
def report(
    suite: SuitePath,
    profile: ProfileName = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    format: Annotated[str | None, typer.Option(metavar="html|md|tex|csv|json", help="To standard output.")] = None,
) -> None:
    """Rebuild the tables of a suite's newest run from the record."""
    from harness.registry import nearest
    from harness.report.formats import FORMATS

    if format is not None and format not in FORMATS:
        raise UserError(f"--format {format}: {nearest(format, FORMATS)}.")
    from harness.suite.schema import load_suite

    chosen = load_suite(suite, profile)
    address = _record(tracking_uri, results)
    from harness.record.history import History
    from harness.report.build import read_tables, report_folder, write_report

    tables = read_tables(History(address, chosen.suite.name, _say), profile)
    if format is not None:
        with standard_output(alone=True) as out:
            out.write(FORMATS[format](tables))
        return
    from harness.report.terminal import print_tables

    files = write_report(tables, report_folder(results, chosen.suite.name, tables.profile), _console().print)
    with standard_output():
        print_tables(tables, _console(stderr=False))
    _console().print(f"\nreport: {files[0]}")


@app.command()
def compare(
    a: Annotated[
        str, typer.Argument(metavar="A", help="SUITE[@PROFILE][~N], or the id of a run as `list runs` shows.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; the second one is judged.")],
    slower: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Exit 1 if a row of B is shown to be slower by more.")
    ] = None,
    worse: Annotated[
        float | None, typer.Option(metavar="POINTS", help="Exit 1 if a row of B is shown to have that much more error.")
    ] = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Two runs side by side: errors, times, what differs, and what that shows."""
    for option, value in (("--slower", slower), ("--worse", worse)):
        if value is not None and not 0 <= value <= 1000:
            raise UserError(f"{option} is {value}; allowed: 0 to 1000.")
    address = _record(tracking_uri, results)
    from dataclasses import asdict

    from harness.cli.comparison import print_comparison
    from harness.cli.target import read_sides
    from harness.report.comparison import compare_runs

    compared = compare_runs(*read_sides(address, a, b, _say))
    found, untested = compared.regressions(slower, worse), compared.untested(slower, worse)
    with standard_output(alone=as_json) as out:
        if as_json:
            _print_json({**asdict(compared), "regressions": found, "untested": untested}, out)
        else:
            print_comparison(compared, _console(stderr=False))
    for line in untested:
        _say(line)
    for line in found:
        _console().print(line, style="red")
    if found:
        raise typer.Exit(1)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(metavar="variants|datasets|suites|runs")],
    plugin: Plugins = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """List variants, datasets, suites or runs."""
    from harness.cli.listing import LISTINGS, print_listing
    from harness.record.address import be_quiet
    from harness.registry import load_plugin, nearest

    if what not in LISTINGS:
        raise UserError(f"list {what}: {nearest(what, LISTINGS)}.")
    be_quiet()
    with standard_output(alone=as_json) as out:
        for path in plugin or ():
            load_plugin(path)
        lines = LISTINGS[what](_address(tracking_uri, results) if what == "runs" else "")  # the others ask no record
        if as_json:
            _print_json(lines, out)
        else:
            print_listing(lines, _console(stderr=False))


@app.command()
def ui(
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    port: Annotated[int, typer.Option(help="Of 127.0.0.1, 1 to 65535.")] = PORT,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the address.")] = True,
) -> None:
    """Browse the record in MLflow, on 127.0.0.1 only."""
    from harness.cli.ui import browse

    if not 1 <= port <= 65_535:
        raise UserError(f"--port is {port}; allowed: 1 to 65535.")
    address = _record(tracking_uri, results)
    browse(address, port, open_browser, _console())


@app.command()
def clean(
    suites: Annotated[list[str] | None, typer.Argument(metavar="[SUITE]…", help="A name or file; else all.")] = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
) -> None:
    """Remove checkpoints, models, reports and files of runs that nobody needs any more."""
    address = _record(tracking_uri, results)
    from harness.cli.clean import leftovers, remove
    from harness.cli.target import suite_name

    names, shown = [suite_name(text) for text in suites or ()], _console(stderr=False)
    with leftovers(address, results, names, not dry_run, _say) as found:
        for each in found:
            shown.print(f"{each.bytes / 2**20:10.1f} MiB  {each.path}  {each.what}", soft_wrap=True)
        failed = [reason for each in found if not dry_run and (reason := remove(each))]
    total = f"{sum(each.bytes for each in found) / 2**20:10.1f} MiB  in all"
    shown.print(f"{total}, {'to be removed' if dry_run else 'removed'}" if found else "nothing to remove")
    for reason in failed:
        _say(reason)
    if failed:
        raise typer.Exit(1)


@app.command()
def doctor(data_dir: DataDir = None, results: Results = RESULTS) -> None:
    """Tell what this machine is and what is missing."""
    from harness.cli.doctor import examine

    findings = examine(data_dir, results)
    with standard_output():
        for finding in findings:
            _console(stderr=False).print(str(finding))
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@data_app.command("fetch")
def data_fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…")] = None,
    data_dir: DataDir = None,
    plugin: Plugins = None,
) -> None:
    """Get datasets and verify them; all of the built-in ones if none is named."""
    from harness.data import check, data_folder

    _load_plugins(plugin)
    folder, console = data_folder(data_dir), _console()
    for name in names or ("mnist", "affnist"):
        check.fetch(name, folder, console.print)
        console.print(f"{name}: ready in {folder}")


@data_app.command("verify")
def data_verify(data_dir: DataDir = None, plugin: Plugins = None, as_json: AsJson = False) -> None:
    """Check the datasets that are there: their digests, and that they are what a dataset has to be."""
    from harness.cli.listing import print_listing, verify_data

    with standard_output(alone=as_json) as out:
        _load_plugins(plugin)
        lines = verify_data(data_dir)
        if as_json:
            _print_json(lines, out)
        else:
            print_listing(lines, _console(stderr=False))
    if any(line["state"] == "damaged" for line in lines):
        raise typer.Exit(1)


@data_app.command("show")
def data_show(name: str, index: int = 0, data_dir: DataDir = None, plugin: Plugins = None) -> None:
    """Draw an image of a dataset's test set in the terminal."""
    from harness.cli.listing import draw
    from harness.data import data_folder

    with standard_output() as out:
        _load_plugins(plugin)
        print(draw(name, index, data_folder(data_dir)), file=out)


def _load_plugins(paths: list[Path] | None) -> None:
    from harness.registry import load_plugin

    for path in paths or ():
        load_plugin(path)


def _prepare(
    suite: Path,
    profile: str | None,
    budget: str | None,
    fraction: float | None,
    tracking_uri: str | None,
    data_dir: Path | None,
    results: Path,
    plugins: list[Path] | None,
) -> tuple[Chosen, Options]:
    """Read the suite, load its plugins and gather the options; all cheap checks come first."""
    from harness.suite.schema import load_suite

    chosen = load_suite(suite, profile, budget, fraction)
    address = _address(tracking_uri, results)
    from harness.data import data_folder
    from harness.registry import load_plugin
    from harness.suite.options import Options, with_plugins

    options = with_plugins(
        chosen,
        Options(
            path=suite,
            results=results,
            data=data_folder(data_dir),
            address=address,
            plugins=tuple(plugins or ()),
            command=_command(),
        ),
    )
    for path in options.plugins:
        load_plugin(path)
    return chosen, options


def _address(tracking_uri: str | None, results: Path) -> Address:
    from harness.record.address import be_quiet, find_address

    require_home()
    be_quiet()
    return find_address(tracking_uri, results)


def _record(tracking_uri: str | None, results: Path) -> Address:
    """The address of a record that is there."""
    address = _address(tracking_uri, results)
    from harness.record.address import require_record

    require_record(address)
    return address


def _say(text: str) -> None:
    _console().print(text, highlight=False, markup=False)


def _command() -> str:
    """The command that was given, without passwords."""
    from harness.record.masking import masked

    return plain(shlex.join(["python", "-m", "harness", *map(masked, sys.argv[1:])]))


def _console(stderr: bool = True) -> PlainConsole:
    from harness.cli.console import make_console

    return make_console(stderr=stderr)


def _print_json(content: Any, out: TextIO) -> None:
    """Any content as JSON: what JSON does not know is text, and a number that is not finite is null."""
    from harness.report.escape import json_text
    from harness.report.numbers import rounded

    out.write(json_text(rounded(json.loads(json.dumps(content, default=str)))))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> NoReturn:
    """Run a command. Exit codes: 0 well, 1 a trial failed, 2 the user's mistake, 130 interrupted."""
    outlive_readers()
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        _leave(str(error), 2)
    except typer.TyperException as error:
        _leave(error.format_message(), 2)
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
        remove_empty_caches()
    if code == INTERRUPTED:  # as typer turns Ctrl-C into a code
        _leave(f"interrupted; what is done is kept, and this goes on with it: {_command()}", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _leave(text: str, code: int) -> NoReturn:
    print(one_line(text), file=sys.stderr)
    sys.exit(code)
