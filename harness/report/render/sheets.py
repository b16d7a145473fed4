"""The tables as text in cells, the same for the terminal, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.render.numbers import rounded
from harness.report.tables.pairs import METHODS, MODELS, Pair
from harness.report.tables.rows import ErrorRow, PairRow, Tables, TimeRow, Verdict
from harness.report.tables.timed import DRIFTED
from harness.statistics.several import told
from harness.text import duration
from harness.worker.timing.contention import MAX_CONTENTION

NONE = "–"
UNLEARNED = "†"  # beside a row that has not learned


@dataclass(frozen=True)
class Sheet:
    """A table ready to be printed."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str]
    is_main: bool = False  # whether it is what a report begins with


def all_sheets(tables: Tables) -> list[Sheet]:
    """The tables of errors and times first, as far as the suite has them."""
    sheets = []
    if tables.errors:
        sheets.append(_error_sheet(tables))
    if tables.times:
        sheets += [_time_sheet(tables), _cost_sheet(tables)]
    if tables.pairs:
        sheets.append(_pair_sheet(tables))
    if tables.speed:
        sheets.append(_speed_sheet(tables))
    return sheets


def conditions(tables: Tables) -> str:
    """How all of it was run, in one line."""
    parts = [f"suite {tables.suite}", f"profile {tables.profile}" if tables.profile else "no profile"]
    if tables.budget is not None:
        parts.append(f"budget {duration(tables.budget)}")
    if tables.errors and tables.fraction is not None:
        parts.append(
            f"{tables.fraction:.3%} of each training protocol"
            if tables.fraction < 1
            else "all of each training protocol"
        )
    if tables.precision != "float32":
        parts.append(f"precision {tables.precision}")
    return ", ".join(parts)


def signed(value: float | None, digits: int) -> str:
    """A number with its sign; a dash for none, NaN and infinity."""
    value = rounded(value)
    return NONE if value is None else f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")  # no −0


def number(value: float | None, digits: int) -> str:
    """A number; a dash for none, NaN and infinity."""
    value = rounded(value)
    return NONE if value is None else f"{value:.{digits}f}"


def measured(value: float | None, error: float | None, digits: int, status: str) -> str:
    """A measured number with its standard error, or what is missing."""
    if value is None:
        return status
    return number(value, digits) + (f" ± {number(error, digits)}" if error is not None else "")


def _error_sheet(tables: Tables) -> Sheet:
    tasks = list(dict.fromkeys(row.task for row in tables.errors))
    titles = list(dict.fromkeys(row.title for row in tables.errors))
    cells = {(row.title, row.task): row for row in tables.errors}
    columns = ["Method"]
    for task in tasks:
        test = next((row.test for row in tables.errors if row.task == task and row.images), task)
        columns += [f"{test} paper", "ours", "diff."]
    rows = []
    for title in titles:
        line = [title]
        for task in tasks:
            row = cells.get((title, task))
            line += _error_cells(row) if row is not None else [NONE] * 3
        rows.append(line)
    return Sheet(tables.error_title, columns, rows, _error_notes(tables), is_main=True)


def _error_cells(row: ErrorRow) -> list[str]:
    flag = "" if row.comparable else "*"
    ours = measured(row.measured, row.standard_error, 2, row.status)
    return [
        number(row.published, 2),
        ours + (UNLEARNED if row.unlearned else ""),
        signed(row.difference, 2) + (flag if row.difference is not None else ""),
    ]


def _error_notes(tables: Tables) -> list[str]:
    notes = [_standard_errors(tables.errors), *_flags(tables.errors), *_unlearned(tables.errors)]
    others = [f"{row.title} {number(value, 2)}" for row in tables.errors for value in row.other_tests.values()]
    names = sorted({name for row in tables.errors for name in row.other_tests})
    if others:
        notes.append(f"Errors of the same models on {', '.join(names)}: {', '.join(others)}.")
    iterations = sorted({(row.task, row.iterations, row.images) for row in tables.errors if row.images})
    notes += [f"{task}: {count:,} iterations, tested on {images:,} images." for task, count, images in iterations]
    return notes


def _unlearned(rows: Sequence[ErrorRow]) -> list[str]:
    """Which rows are no better than a constant answer."""
    return [
        f"{UNLEARNED} not learned: {row.title} on {row.task}, of whose {row.n} model{'s' if row.n > 1 else ''} "
        f"{row.unlearned} can't be told from the best constant answer, which has an error of "
        f"{number(row.chance, 2)}%; no claim can rest on it."
        for row in rows
        if row.unlearned
    ]


def _time_sheet(tables: Tables) -> Sheet:
    columns = ["Method", "paper", "ours", "diff.", "median", "ratio", "95%", "+data"]
    rows = [_time_cells(row) for row in tables.times]
    first = tables.times[0]
    notes = [
        _standard_errors(tables.times),
        *_flags(tables.times),
        f"Batches of {first.batch_size}, {first.threads} threads; every process alone on its machine, in randomised "
        f"blocks. Ours: the mean over processes of each one's mean. Ratio: of the processes' medians to that of "
        f"{tables.baseline} in the same block, the geometric mean over the blocks, with the interval of Student's t "
        f"of its logarithms from three blocks on. +data: median of the whole step, the making of its batch included.",
    ]
    notes += [*_of_machine(tables), *(note for row in tables.times for note in _doubts(row))]
    return Sheet(tables.time_title, columns, rows, notes, is_main=True)


def _of_machine(tables: Tables) -> list[str]:
    """What the machine did meanwhile, by the fixed model."""
    notes, drift = [], tables.drift
    if drift is not None:
        notes.append(
            f"A fixed model, timed before and after each process, took {drift.change:.2f} times as long in the last "
            f"round as in the first ({drift.low:.2f} to {drift.high:.2f}, by a straight line); from round to round its "
            f"time varied by {drift.spread:.1%}."
        )
    if tables.slope.value:
        notes.append(
            f"Ratios are of times without {tables.slope.value:.2f} of what the fixed model varied by on a logarithmic "
            f"scale, which takes away {tables.slope.lowers:.0%} of their variance."
        )
    return notes


def _doubts(row: TimeRow) -> list[str]:
    """Why a row's times are to be taken with care."""
    notes = []
    if row.unsteady:
        notes.append(f"{row.title}: {row.unsteady} of {row.n} processes never became steady.")
    if row.drifting:
        notes.append(
            f"{row.title}: around {row.drifting} of {row.n} processes the fixed model's time changed by more than "
            f"{DRIFTED:.0%}."
        )
    if row.trend is not None:
        notes.append(
            f"{row.title}: the last third of the timed iterations took {row.trend:.2f} times as long as the first "
            f"({number(row.trend_low, 2)} to {number(row.trend_high, 2)}), so that it depends on how many are timed."
        )
    if row.others_cores is not None and row.others_cores > MAX_CONTENTION:
        notes.append(f"{row.title}: others kept up to {row.others_cores:.1f} processor cores busy while it was timed.")
    return notes


def _cost_sheet(tables: Tables) -> Sheet:
    """What each row of the table of times costs besides its time in training."""
    rows = [
        [
            row.title,
            NONE if row.parameters is None else f"{row.parameters / 1e6:.1f}M",
            NONE if row.multiply_adds is None else f"{row.multiply_adds / 1e6:,.0f}M",
            NONE if row.inference_image is None else f"{1000 * row.inference_image:.2f}",
            number(row.first_iteration, 2),
            number(row.peak_memory_mib, 0),
        ]
        for row in tables.times
    ]
    notes = [
        "Multiply-adds: of a forward pass for one image, as torch counts them with direct convolutions. Inference: "
        "milliseconds an image in batches as above. First: seconds of a process's first iteration. MiB: the most that "
        "a process held (on a GPU: allocated there).",
    ]
    columns = ["Method", "parameters", "multiply-adds", "inference ms", "first s", "MiB"]
    return Sheet("Cost of each timed row", columns, rows, notes)


def _pair_sheet(tables: Tables) -> Sheet:
    columns = ["Method", "task", "diff.", "interval", "p", "finding", "could show"]
    unlearned = {(row.title, row.task) for row in tables.errors if row.unlearned}
    rows = [
        [
            row.title + (UNLEARNED if unlearned & {(row.title, row.task), (row.other, row.task)} else ""),
            row.task,
            signed(row.pair.estimate.value, 2),
            f"{signed(row.interval[0], 2)} to {signed(row.interval[1], 2)}",
            told(row.pair.p).removeprefix("p ").removeprefix("= "),
            _found(row),
            number(row.detectable, 2),
        ]
        for row in tables.pairs
    ]
    notes = [
        f"Differences in percentage points to {', '.join(dict.fromkeys(row.other for row in tables.pairs))}. "
        f"{tests_told([row.pair for row in tables.pairs])}.",
        f"A finding has to pass a level that takes the number of rows of a task into account (Holm), here "
        f"{_levels(tables.pairs)}. Each interval stands at the level of its finding, as does the difference that so "
        f"many seeds and images could show four times in five.",
    ]
    if unlearned:
        notes.append(f"{UNLEARNED} one of the two has not learned.")
    base = [(row.variant, row.config) for row in tables.times if row.title == tables.baseline]
    if base and not any((row.variant, row.config) in base for row in tables.errors):
        notes.append(
            f"No row of errors is {tables.baseline}, with which times are compared; the first takes its place."
        )
    return Sheet("Test errors, row by row", columns, rows, notes)


def _found(row: PairRow) -> str:
    if row.finding == "no difference shown":
        return "none shown"
    return row.finding if row.pair.is_of_methods else f"{row.finding}, these two"


def _levels(pairs: Sequence[PairRow]) -> str:
    found = sorted({row.level for row in pairs})
    return f"{found[0]:.2g}" if len(found) == 1 else f"{found[0]:.2g} to {found[-1]:.2g}"


def tests_told(pairs: Sequence[Pair]) -> str:
    """What pairs of rows were tested by, and what that answers."""
    tests = {pair.test for pair in pairs}
    sentences = []
    if METHODS in tests:
        few = min(seeds for pair in pairs if pair.test == METHODS for seeds in pair.seeds)
        sentences.append(
            f"With two seeds a side or more ({few} here at least) by a t test over seeds and images, which answers for "
            f"other seeds and other images: for the methods"
        )
    if MODELS in tests:
        sentences.append(
            "With one seed of a side by McNemar's exact test of two models on these images, which says nothing of "
            "models of other seeds, and so nothing of the methods"
        )
    return ". ".join(sentences)


def verdict_line(verdict: Verdict) -> str:
    """A claim with its verdict, in a line."""
    each = f", each row alone: {verdict.each}" if verdict.each is not None else ""
    return f"{verdict.word}{each}: {verdict.sentence}{f' ({verdict.where})' if verdict.where else ''}"


def evidence_lines(tables: Tables) -> list[str]:
    """What each verdict rests on."""
    return [
        f"{verdict_line(verdict)}. Measured: {verdict.evidence}."
        f"{f' Unlike the paper: {verdict.scope}.' if verdict.scope else ''}"
        for verdict in tables.verdicts
    ]


def method_lines(tables: Tables) -> list[str]:
    """How each number was obtained, in a sentence for each group of rows."""
    return [
        f"{method.what} ({method.rows}): {method.text}{f' From: {method.source}' if method.source else ''}"
        for method in tables.methods
    ]


def _speed_sheet(tables: Tables) -> Sheet:
    columns = ["Method", "ref. s", "ours s", "faster", "95%", "ref. MiB", "ours MiB", "GFLOP/s", "share"]
    rows = [
        [
            row.title,
            number(row.reference_seconds, 3),
            number(row.seconds, 3),
            NONE if row.faster is None else f"{row.faster:.2f}×",
            NONE if row.faster_low is None else f"{row.faster_low:.2f}–{row.faster_high:.2f}",
            number(row.reference_memory_mib, 0),
            number(row.memory_mib, 0),
            number(row.gflops, 0),
            NONE if row.matrix_product_share is None else f"{row.matrix_product_share:.0%}",
        ]
        for row in tables.speed
    ]
    notes = [
        "Medians over processes. Ref.: the reference named below; faster: its time over ours, block by block, with its "
        "interval by Student's t, from three rounds on.",
        "GFLOP/s: the reference's arithmetic over our time; share: of the rate of a large matrix product, measured in "
        "the same processes. Over 100%, no implementation by that arithmetic could be as fast.",
        "MiB: the most that a process held, without what it held before the model was built.",
        *[f"Reference of {row.title}: {row.reference}." for row in tables.speed],
    ]
    return Sheet("Speed. Training iteration beside a reference implementation", columns, rows, notes)


def overhead(tables: Tables) -> str:
    """What the harness itself took, in one line; empty if nothing was run."""
    told = tables.overhead
    if not told:
        return ""
    return (
        f"The harness: first trial {told['startup_seconds']:.1f} s after the command, first training step "
        f"{told['first_step_seconds']:.1f} s; {told['setup_seconds']:.1f} s from a trial's begin to its first step; "
        f"{told['share']:.1%} of the trials' time went by between trials."
    )


def environments(tables: Tables) -> str:
    """That rows come from machines or versions that differ; empty if they do not."""
    if tables.environments < 2:
        return ""
    return f"The rows come from {tables.environments} different environments: compare them with care."


def _time_cells(row: TimeRow) -> list[str]:
    flag = "" if row.comparable else "*"
    interval = f"{row.ratio_low:.2f}–{row.ratio_high:.2f}" if row.ratio_low is not None else NONE
    return [
        row.title,
        number(row.published, 4),
        measured(row.measured, row.standard_error, 4, row.status),
        signed(row.difference, 3) + (flag if row.difference is not None else ""),
        number(row.median, 4),
        number(row.ratio, 2),
        interval,
        number(row.with_data, 4),
    ]


def _standard_errors(rows: Sequence[ErrorRow] | Sequence[TimeRow]) -> str:
    over = sorted({f"{row.standard_error_over}" for row in rows if row.measured is not None})
    counts = sorted({row.n for row in rows if row.measured is not None})
    if not counts:
        return "Nothing is measured yet."
    kind = "process" if rows[0].unit == "seconds" else "seed"
    n = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    plural = kind if counts[-1] == 1 else {"process": "processes", "seed": "seeds"}[kind]
    return f"± is the standard error over {' or '.join(over)}; {n} {plural} a row."


def _flags(rows: Sequence[ErrorRow] | Sequence[TimeRow]) -> list[str]:
    """Why the flagged differences are no like-for-like comparison, each reason once."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.published is not None and not row.comparable:
            for reason in row.caveats:
                reasons.setdefault(reason, []).append(f"{row.title} on {row.task}")
    flagged = sum(row.published is not None and not row.comparable for row in rows)
    notes = []
    for reason, where in reasons.items():
        scope = "all" if len(where) == flagged else ", ".join(where) if len(where) <= 3 else f"{len(where)} rows"
        notes.append(f"* not comparable ({scope}): {reason}.")
    return notes
