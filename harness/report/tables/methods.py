"""How each number was obtained, in words: what was trained and timed, on what, for how long, and from where that is."""

from __future__ import annotations

from collections.abc import Iterable

from harness.plan.plan import Plan
from harness.plan.trial import SENTINEL, TimingTrial, TrainingTrial, TrainingWork, Trial
from harness.report.tables.rows import Method
from harness.suite.protocol import Schedule
from harness.suite.published import decay


def methods_of(plan: Plan) -> list[Method]:
    """Describe what was done, for each group of rows with the same settings."""
    trained: dict[tuple[str, str, tuple[int, ...]], list[TrainingTrial]] = {}
    timed: dict[str, list[TimingTrial]] = {}
    seeds = _seeds_of_rows(plan)
    for each in plan.training:
        alike = each.task, each.work.model_dump_json(), tuple(seeds[each.row, each.task])
        trained.setdefault(alike, []).append(each)
    for trial in plan.timing:
        timed.setdefault(trial.work.model_dump_json(), []).append(trial)
    return [_trained(alike) for alike in trained.values()] + [_timed(alike) for alike in timed.values()]


def _seeds_of_rows(plan: Plan) -> dict[tuple[int, str], list[int]]:
    """The seeds of each row of the table of errors on each task."""
    seeds: dict[tuple[int, str], list[int]] = {}
    for trial in plan.training:
        seeds.setdefault((trial.row, trial.task), []).append(trial.seed)
    return seeds


def _trained(trials: list[TrainingTrial]) -> Method:
    first = trials[0]
    protocol = first.work.protocol
    parts = [
        f"Adam, learning rate {protocol.learning_rate:g}{_decay(protocol.schedule)}; {_length(first.work)}",
        f"seeds {_joined(sorted({trial.seed for trial in trials}))}",
        f"tested after the last iteration on {_tested(first.work)} of each test set",
        f"data {first.task}, digest {first.data or 'unknown'}",
    ]
    if protocol.shift:
        parts.insert(1, f"images shifted by up to {protocol.shift} pixels where the task does not place them itself")
    if first.work.precision != "float32":
        parts.append(f"precision {first.work.precision}")
    return Method(f"Test error on {first.task}", _titles(trials), "; ".join(parts) + ".", protocol.source)


def _length(work: TrainingWork) -> str:
    protocol = work.protocol
    whole = (
        f"{protocol.epochs:g} epochs of {work.train_images:,} images in batches of {protocol.batch_size}, which are "
        f"{work.full_iterations:,} iterations"
    )
    if work.iterations is None:
        return f"{whole}, of which a budget will say how many are run"
    if work.iterations == work.full_iterations:
        return f"{whole}, all of them run"
    return f"{whole}, of which {work.iterations:,} were run ({work.fraction:.3%}), the schedule squeezed into them"


def _decay(schedule: Schedule) -> str:
    return ", constant" if schedule.factor == 1 else f" {decay(schedule)}"


def _tested(work: TrainingWork) -> str:
    return "all images" if work.test_images is None else f"{work.test_images:,} images at most, drawn by class,"


def _timed(trials: list[TimingTrial]) -> Method:
    protocol = trials[0].work.protocol
    rounds = 1 + max(trial.round for trial in trials)
    text = (
        f"{rounds} rounds; in each, {_order(trials)}, alone on the machine, with {protocol.threads} threads; a "
        f"warm-up of {protocol.warmup} to {protocol.longest_warmup} iterations, until two windows agree, then "
        f"{protocol.iterations} timed iterations: zeroing the gradients, forward, loss, backward, Adam's step, on one "
        f"batch of {protocol.batch_size} images of {trials[0].task} that is at hand; then {protocol.with_data} that "
        f"make their batch first. {_fixed_model(trials)}Mean over a process's iterations; mean and standard error "
        f"over processes."
    )
    return Method("Seconds per training iteration", _titles(trials), text, "")


def _is_older(trials: list[TimingTrial]) -> bool:
    """Whether they were planned by a version that timed the fixed model as a row of each round."""
    return any(trial.variant == SENTINEL for trial in trials)


def _order(trials: list[TimingTrial]) -> str:
    if _is_older(trials):
        return "every row and a fixed model in a fresh process of its own, in shuffled order"
    return (
        "every row in a fresh process of its own, in an order drawn anew by each run and reversed in every second round"
    )


def _fixed_model(trials: list[TimingTrial]) -> str:
    iterations = trials[0].work.protocol.sentinel
    if _is_older(trials) or not iterations:
        return ""
    return f"Before and after each process {iterations} iterations of a fixed model, in processes of their own. "


def _titles(trials: Iterable[Trial]) -> str:
    return ", ".join(dict.fromkeys(trial.title for trial in trials))


def _joined(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))
