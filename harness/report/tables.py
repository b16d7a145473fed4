"""Tables 2 and 3, built from the record: the published number beside ours, with what sets them apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from harness.matching import same
from harness.plan import Plan, PlannedRow
from harness.report.evidence import Files, Measured, tests_of
from harness.report.figures.collect import graphs_of
from harness.report.learning import Learning, learning_of
from harness.report.methods import methods_of
from harness.report.pairs import holm
from harness.report.published import Number, Published, PublishedTable, look_up
from harness.report.rows import UNPUBLISHED, ErrorRow, Origin, PairRow, RunLine, SpeedRow, TableRow, Tables, TimeRow
from harness.report.statistics import Estimate, error_over_seeds, mean_over_processes, ratio_over_blocks
from harness.report.verdicts import Evidence, judge
from harness.trial import SENTINEL, Trial

ERROR = "/error_percent"


def build_tables(
    plan: Plan,
    published: list[Published],
    frame: pd.DataFrame,
    overhead: dict[str, float] | None = None,
    files: Files | None = None,
    origin: Origin | None = None,
) -> Tables:
    """The tables of a plan.

    Arguments:
        frame: a line per recorded trial, indexed by key: status, cause, metrics, machine.
        files: what the trials have left besides; without it rows are not compared and claims not judged.
        origin: what made the record.
    """
    trials = pd.DataFrame(
        [
            {"key": t.key, "kind": t.kind, "row": t.row, "task": t.task, "seed": t.seed, "name": t.name}
            for t in plan.trials
        ],
        columns=["key", "kind", "row", "task", "seed", "name"],
    )
    joined = trials.join(frame, on="key")
    joined["status"] = joined["status"].fillna("missing")
    by_key = {trial.key: trial for trial in plan.trials}
    measured = measured_of(plan, frame, files) if files is not None else None
    table2 = [_error_row(row, published, joined, by_key, _learning(row, measured)) for row in plan.table2]
    table3 = _time_rows(plan, published, joined, by_key)
    failed = joined[joined["status"] == "failed"]
    done = frame[frame["status"] == "done"]
    machines = done[[c for c in frame.columns if c in MACHINE]].drop_duplicates()
    return Tables(
        suite=plan.suite,
        profile=plan.profile,
        fraction=plan.fraction,
        budget=plan.budget,
        precision=plan.precision,
        table2=table2,
        table3=table3,
        speed=_speed_rows(plan, joined),
        baseline=table3[plan.baseline].title if table3 else "",
        drift=_drift(joined),
        failures=dict(zip(failed["name"], failed["cause"], strict=True)),
        environments=len(machines),
        environment={} if machines.empty else {str(k): str(v) for k, v in machines.iloc[-1].items()},
        overhead=overhead or {},
        verdicts=judge(plan.claims, _evidence(table2, table3, measured)) if measured is not None else [],
        pairs=_pair_rows(plan, table2, measured) if measured is not None else [],
        graphs=graphs_of(table2, table3, measured) if measured is not None else None,
        methods=methods_of(plan),
        runs=_run_lines(plan, frame),
        origin=origin,
    )


def _run_lines(plan: Plan, frame: pd.DataFrame) -> list[RunLine]:
    ids = frame["run_id"].to_dict() if "run_id" in frame else {}
    statuses = frame["status"].to_dict()
    return [RunLine(t.name, statuses.get(t.key, "missing"), ids.get(t.key, "")) for t in plan.trials]


def measured_of(plan: Plan, frame: pd.DataFrame, files: Files) -> Measured:
    """The trials of a plan that are done; `frame` as `build_tables` takes it."""
    done = frame[frame["status"] == "done"]
    timed = [trial.key for trial in plan.trials if trial.kind == "timing" and trial.key in done.index]
    medians = done.loc[timed, f"{ITERATION}_median_seconds"] if timed else pd.Series(dtype=float)
    seconds = {str(key): float(median) for key, median in medians.items()}
    return Measured(plan, files, seconds, frozenset(done.index), _nodes(done))


def _nodes(done: pd.DataFrame) -> dict[str, str]:
    """The machine that each trial ran on, by key, where that is known."""
    return {str(key): str(node) for key, node in done[NODE].dropna().items()} if NODE in done else {}


def first_errors(plan: Plan, frame: pd.DataFrame) -> dict[str, float]:
    """The error on a task's first test, in percent, by the key of each trained trial that is done."""
    done = frame[frame["status"] == "done"]
    found: dict[str, Any] = {}
    for trial in plan.trials:
        if trial.kind == "training" and trial.key in done.index:
            measured = _measured_tests(done.loc[[trial.key]])
            first = next(iter(tests_of(trial, measured)), "")
            found |= {trial.key: done.at[trial.key, f"test/{first}{ERROR}"]} if first in measured else {}
    return found


def _learning(row: PlannedRow, measured: Measured | None) -> Learning | None:
    return learning_of(measured.answers(row.title, row.task).values()) if measured is not None else None


def _evidence(table2: list[ErrorRow], table3: list[TimeRow], measured: Measured) -> Evidence:
    return Evidence(table2, table3, measured.pair, measured.ratio, measured.activity)


def _pair_rows(plan: Plan, table2: list[ErrorRow], measured: Measured) -> list[PairRow]:
    """Every row beside the one that Table 3 compares with or, if Table 2 has no such row, beside the first."""
    found = []
    for task in dict.fromkeys(row.task for row in table2):
        rows = [row for row in table2 if row.task == task]
        base = next(filter(_is_like(plan.table3[plan.baseline]), rows), rows[0]) if plan.table3 else rows[0]
        pairs = [(row, measured.pair(row, base)) for row in rows if row is not base]
        known = [(row, pair) for row, pair in pairs if pair is not None]
        corrected = holm([pair.p for _, pair in known])
        found += [
            PairRow(row.title, base.title, task, row.test, pair, p, pair.finding(p))
            for (row, pair), p in zip(known, corrected, strict=True)
        ]
    return found


def _is_like(wanted: PlannedRow) -> Callable[[TableRow], bool]:
    """Whether a row is of the same variant with the same settings; a label may differ from table to table."""
    return lambda row: (row.variant, row.config) == (wanted.variant, wanted.config)


NODE = "machine.node"
MACHINE = [f"machine.{n}" for n in ("cpu", "device", "allocator", "tf32", "python", "torch", "numpy")]


def _error_row(
    row: PlannedRow,
    published: list[Published],
    joined: pd.DataFrame,
    by_key: dict[str, Trial],
    learning: Learning | None,
) -> ErrorRow:
    lines = joined[(joined["kind"] == "training") & (joined["row"] == row.row) & (joined["task"] == row.task)]
    done = lines[lines["status"] == "done"]
    trial = by_key[lines["key"].iloc[0]] if len(lines) else None
    known = _measured_tests(done)
    tests = tests_of(trial, known) if trial is not None else []
    test = tests[0] if tests else row.task
    images = int(done[f"test/{test}/images"].iloc[0]) if test in known else 0
    errors = done[f"test/{test}{ERROR}"].tolist() if test in known else []
    estimate = error_over_seeds(errors, images) if errors else None
    fraction = trial.training.fraction if trial is not None and trial.training is not None else None
    found = look_up(published, "table2", row.variant, row.config, row.task)
    reasons = _setting_reasons(found, row.config)
    if fraction is not None and fraction < 1:
        reasons.append(f"{fraction:.2%} of the protocol")
    reasons += _training_reasons(found, trial)
    reasons += trial.remarks if trial is not None else ()
    if test.endswith("-rebuilt"):
        reasons.append("rebuilt test set")
    if found is not None and found[1].images is not None and 0 < images < found[1].images:
        reasons.append(f"{images:,} of {found[1].images:,} test images")
    return ErrorRow(
        **_common(row, "percent", found, estimate, reasons, lines, "seeds"),
        test=test,
        images=images,
        iterations=(trial.training.iterations or 0) if trial is not None and trial.training is not None else 0,
        fraction=fraction,
        other_tests={name: float(done[f"test/{name}{ERROR}"].mean()) for name in tests[1:] if name in known},
        unlearned=learning.unlearned if learning is not None else 0,
        chance=learning.chance if learning is not None else None,
    )


def _training_reasons(found: tuple[Number, PublishedTable] | None, trial: Trial | None) -> list[str]:
    if found is None or trial is None or trial.training is None:
        return []
    ours, theirs = trial.training.train_images, found[1].train_images
    fewer = [f"{ours:,} of {theirs:,} training images"] if theirs is not None and ours < theirs else []
    return fewer + found[0].protocol.deviations(trial.training.protocol)


def _measured_tests(done: pd.DataFrame) -> list[str]:
    """The test sets that all of these trials were tested on."""
    return [
        c.removeprefix("test/").removesuffix(ERROR)
        for c in done.columns
        if c.startswith("test/") and c.endswith(ERROR) and done[c].notna().all() and len(done)
    ]


def _time_rows(plan: Plan, published: list[Published], joined: pd.DataFrame, by_key: dict[str, Trial]) -> list[TimeRow]:
    timed = joined[joined["kind"] == "timing"]
    if not plan.table3:
        return []
    base = timed[(timed["row"] == plan.baseline) & (timed["status"] == "done")]
    return [_time_row(row, published, timed[timed["row"] == row.row], base, by_key) for row in plan.table3]


def _time_row(
    row: PlannedRow,
    published: list[Published],
    lines: pd.DataFrame,
    base: pd.DataFrame,
    by_key: dict[str, Trial],
) -> TimeRow:
    done = lines[lines["status"] == "done"]
    timing = by_key[lines["key"].iloc[0]].timing if len(lines) else None
    batch_size = timing.protocol.batch_size if timing is not None else 0
    found = look_up(published, "table3", row.variant, row.config, row.task)
    reasons = _setting_reasons(found, row.config)
    if found is not None and found[1].batch_size not in {None, batch_size}:
        reasons.append(f"batches of {batch_size}")
    means = done[f"{ITERATION}_mean_seconds"].tolist() if len(done) else []
    ratio = _ratio(done, base)
    return TimeRow(
        **_common(row, "seconds", found, mean_over_processes(means) if means else None, reasons, lines, "processes"),
        median=_median(done, f"{ITERATION}_median_seconds"),
        q25=_median(done, f"{ITERATION}_q25_seconds"),
        q75=_median(done, f"{ITERATION}_q75_seconds"),
        ratio=ratio.mean if ratio else None,
        ratio_low=ratio.low if ratio else None,
        ratio_high=ratio.high if ratio else None,
        with_data=_median(done, "time/with_data_median_seconds"),
        first_iteration=_median(done, "time/first_iteration_seconds"),
        inference_image=_median(done, "time/inference_image_median_seconds"),
        multiply_adds=_median(done, "model/image_multiply_adds"),
        others_cores=float(done["machine/others_cores"].max())
        if "machine/others_cores" in done and len(done)
        else None,
        peak_memory_mib=_median(done, "memory/peak_mib"),
        parameters=int(done["model/parameters"].iloc[0]) if len(done) else None,
        batch_size=batch_size,
        threads=timing.protocol.threads if timing is not None else 0,
        unsteady=int((done["time/is_steady"] == 0).sum()) if len(done) else 0,
    )


ITERATION = "time/iteration"


def _ratio(done: pd.DataFrame, base: pd.DataFrame) -> Estimate | None:
    """Each block's median against the baseline's of the same block, where both were timed on the same machine."""
    column = f"{ITERATION}_median_seconds"
    if not len(done) or not len(base):
        return None
    same = ["seed", NODE] if NODE in done and NODE in base else ["seed"]
    pairs = done[[*same, column]].merge(base[[*same, column]], on=same, suffixes=("", "_base"))
    if pairs.empty:
        return None
    return ratio_over_blocks(pairs[column].tolist(), pairs[f"{column}_base"].tolist())


def _speed_rows(plan: Plan, joined: pd.DataFrame) -> list[SpeedRow]:
    timed = joined[(joined["kind"] == "timing") & (joined["status"] == "done")]
    return [_speed_row(row, plan.table3[row.reference], timed) for row in plan.table3 if row.reference is not None]


def _speed_row(row: PlannedRow, reference: PlannedRow, timed: pd.DataFrame) -> SpeedRow:
    done, other = (timed[timed["row"] == each.row] for each in (row, reference))
    faster = _ratio(other, done)
    seconds = _median(done, f"{ITERATION}_median_seconds")
    gflop, rate = _median(other, "model/iteration_gflop"), _median(done, "machine/matrix_product_gflops")
    gflops = gflop / seconds if gflop is not None and seconds else None
    return SpeedRow(
        title=row.title,
        reference=reference.title,
        seconds=seconds,
        reference_seconds=_median(other, f"{ITERATION}_median_seconds"),
        faster=faster.mean if faster else None,
        faster_low=faster.low if faster else None,
        faster_high=faster.high if faster else None,
        memory_mib=_own_memory(done),
        reference_memory_mib=_own_memory(other),
        reference_gflop=gflop,
        gflops=gflops,
        matrix_product_share=gflops / rate if gflops is not None and rate else None,
    )


def _own_memory(done: pd.DataFrame) -> float | None:
    """The most memory that a model took, without what its process held before."""
    return float((done["memory/peak_mib"] - done["memory/before_mib"]).median()) if len(done) else None


def _median(done: pd.DataFrame, column: str) -> float | None:
    """The median of a metric; None where nothing is done, or an older harness did not measure it."""
    return float(done[column].median()) if len(done) and column in done else None


def _drift(joined: pd.DataFrame) -> float | None:
    times = joined[(joined["row"] == -1) & (joined["status"] == "done")]
    if times.empty or joined.loc[joined["row"] == -1, "name"].iloc[0].split()[0] != SENTINEL:
        return None
    medians = f"{ITERATION}_median_seconds"
    by_node = times.groupby(times[NODE].fillna("") if NODE in times else "task")[medians]
    is_timed = bool((times[medians] > 0).all())
    return float((by_node.max() / by_node.min()).max()) if is_timed else None  # unlike machines have not drifted


def _setting_reasons(found: tuple[Number, PublishedTable] | None, config: dict[str, Any]) -> list[str]:
    """What sets a row apart from the published one, before anything was run."""
    if found is None:
        return [UNPUBLISHED]
    number, table = found
    reasons = [
        f"{name} {config.get(name)} instead of {value}"
        for name, value in table.setting.items()
        if not same(config.get(name), value)
    ]
    return reasons + [text for text in (number.differs, table.differs) if text]


def _common(
    row: PlannedRow,
    unit: str,
    found: tuple[Number, PublishedTable] | None,
    estimate: Estimate | None,
    reasons: list[str],
    lines: pd.DataFrame,
    over: str,
) -> dict[str, Any]:
    done = int((lines["status"] == "done").sum())
    if 0 < done < len(lines):
        reasons = [*reasons, f"{done} of {len(lines)} {over}"]
    missing = [status for status in lines["status"].unique() if status != "done"]
    return {
        "variant": row.variant,
        "label": row.label,
        "config": row.config,
        "task": row.task,
        "unit": unit,
        "published": found[0].value if found else None,
        "published_standard_error": found[0].standard_error if found else None,
        "measured": estimate.mean if estimate else None,
        "standard_error": estimate.standard_error if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "n": estimate.n if estimate else 0,
        "standard_error_over": estimate.over if estimate else over,
        "comparable": not reasons,
        "reasons": tuple(reasons),
        "unlike": found[0].differs if found else "",
        "status": "done" if not missing else ", ".join(sorted(missing)),
    }
