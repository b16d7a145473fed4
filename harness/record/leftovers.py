"""Find what a results folder holds that nobody needs any more.

What is not known to be the harness's own stays: a stranger's file is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Run, ViewType

from harness.engine.sessions import stale
from harness.errors import UserError
from harness.record.access import Access, start_order
from harness.record.lock import only_driver
from harness.record.model import FOLDER
from harness.record.names import INVOCATIONS, KEY, KIND, PROFILE
from harness.record.reader import RunReader
from harness.record.tracking_uri import TrackingUri, default_tracking_uri
from harness.record.writer import RunWriter

TRIAL, RUN = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{32}")  # names of their folders
OF_CHECKPOINTS = re.compile(r"\d+\.pt|\d+\.json|owner|.*\.tmp")  # names of the files in a trial's folder
REPORT = "report"  # among the artifacts of an invocation
ENDED = ("done", "failed")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Leftover:
    """A folder that nobody needs any more."""

    path: Path
    what: str
    bytes: int

    @classmethod
    def of(cls, path: Path, what: str) -> Leftover:
        """Measure the size of a folder."""
        files = (each for each in path.rglob("*") if each.is_file() and not each.is_symlink())
        return cls(path, what, sum(each.stat().st_size for each in files))


@dataclass(frozen=True)
class _Known:
    """What the records hold of the suites that are cleaned."""

    statuses: Mapping[str, Mapping[str, str]]  # of the trials of the newest plans, by suite and key
    is_all: bool  # whether these are all suites

    def is_planned(self, key: str) -> bool:
        """Whether any of the suites plans a trial."""
        return any(key in statuses for statuses in self.statuses.values())


@contextmanager
def leftovers(
    tracking_uri: TrackingUri, results: Path, names: list[str], holds: bool, say: Say
) -> Iterator[list[Leftover]]:
    """Find what some suites no longer need, or all if none is named, and keep drivers out of them meanwhile.

    Arguments:
        holds: keep drivers out also where none has run yet.
        say: called with a line that says what is waited for.

    Raises:
        UserError: there is no such suite, its newest plan can't be read, or a driver works on it.
    """
    # what another record plans in the same folder is needed too
    uris = [each for each in dict.fromkeys([tracking_uri, default_tracking_uri(results)]) if each.exists()]
    suites = _suites(tracking_uri, names)
    with ExitStack() as held:
        for suite in suites if results.is_dir() else ():
            if holds or (results / f".{suite}.lock").exists():
                held.enter_context(only_driver(results, suite, say))
            if holds:
                held.enter_context(RunWriter(tracking_uri, suite, notify=say).held())
        known = _Known({suite: _statuses(uris, suite) for suite in suites}, not names)
        found = _checkpoints(results / "checkpoints", known)
        if tracking_uri.is_local:
            found += _artifacts(Access(tracking_uri), results, known)
        if known.is_all:
            found += [Leftover.of(path, "a session of Ray whose run has ended") for path in stale()]
        yield found


def _suites(tracking_uri: TrackingUri, names: list[str]) -> list[str]:
    store = Access(tracking_uri)
    known = [each.name for each in store.experiments() if store.runs([each.experiment_id], INVOCATIONS)]
    for name in names:
        if name not in known:
            told = ", ".join(sorted(known)) or "none"
            raise UserError(f"nothing is recorded of the suite '{name}'; recorded: {told}.")
    return sorted(set(names or known))


def _statuses(uris: list[TrackingUri], suite: str) -> dict[str, str]:
    """Read the statuses, by key, of the trials of a suite's newest plans, one of each profile."""
    found: dict[str, str] = {}
    for tracking_uri in uris:
        store, record = Access(tracking_uri), RunReader(tracking_uri, suite)
        experiment = store.experiment_named(suite)
        runs = store.runs([experiment.experiment_id], INVOCATIONS) if experiment is not None else []
        newest = {run.data.tags.get(PROFILE): run.info.run_id for run in reversed(runs)}
        for run in newest.values():
            try:
                plan = record.invocation(run).plan
            except UserError as error:
                raise UserError(f"nothing is removed, as what '{suite}' needs is not known: {error}") from None
            new = record.statuses(trial.key for trial in plan.trials)
            found |= {key: status for key, status in new.items() if found.get(key, "done") in ENDED}
    return found


def _checkpoints(folder: Path, known: _Known) -> list[Leftover]:
    """Find those of trials that are no longer planned, or have ended. Older versions kept all suites in one folder."""
    found = []
    for suite, statuses in known.statuses.items():
        for path in _folders(folder / suite, TRIAL):
            status = statuses.get(path.name)
            if status is None:
                found.append(Leftover.of(path, f"checkpoints of a trial that {suite} plans no more"))
            elif status in ENDED:
                found.append(Leftover.of(path, f"checkpoints of a trial of {suite} that is {status}"))
    for path in _folders(folder, TRIAL) if known.is_all else ():
        if not known.is_planned(path.name):
            found.append(Leftover.of(path, "checkpoints of a trial that no suite plans"))
    return [each for each in found if _is_of_checkpoints(each.path)]


def _is_of_checkpoints(folder: Path) -> bool:
    return all(OF_CHECKPOINTS.fullmatch(path.name) and not path.is_dir() for path in folder.iterdir())


def _artifacts(store: Access, results: Path, known: _Known) -> list[Leftover]:
    """Find files of deleted runs, models of trials that are no longer planned, and replaced reports."""
    folders = {path.name: path for path in _folders(results / "artifacts", RUN)}  # before the runs are looked up
    experiments = {each.experiment_id: each for each in store.client.search_experiments(view_type=ViewType.ALL)}
    runs = store.runs(list(experiments), view=ViewType.ALL)
    strange = folders.keys() - {run.info.run_id for run in runs}
    found = _of_strangers([folders[run] for run in sorted(strange)]) if _is_alone(store, results, known) else []
    reported: set[tuple[str, str]] = set()
    for run in sorted(runs, key=start_order, reverse=True):
        experiment, folder = experiments[run.info.experiment_id], folders.get(run.info.run_id)
        if folder is None or not (known.is_all or experiment.name in known.statuses):
            continue
        if "deleted" in (run.info.lifecycle_stage, experiment.lifecycle_stage):
            found.append(Leftover.of(folder, "files of a run that was deleted"))
        elif experiment.name in known.statuses:
            found += _of_run(run, folder / "artifacts", experiment.name, known.statuses[experiment.name], reported)
    return found


def _of_run(
    run: Run, files: Path, suite: str, planned: Mapping[str, str], reported: set[tuple[str, str]]
) -> list[Leftover]:
    """Find what a recorded run no longer needs.

    Arguments:
        reported: suites and profiles whose newest report was seen; this one is added.
    """
    tags, place = run.data.tags, (suite, run.data.tags.get(PROFILE, ""))
    if tags.get(KIND) == "suite":
        if (files / REPORT).is_dir() and place in reported:
            return [Leftover.of(files / REPORT, f"a report of {suite} that a newer one has replaced")]
        if (files / REPORT).is_dir():
            reported.add(place)
    elif KEY in tags and tags[KEY] not in planned and (files / FOLDER).is_dir():
        return [Leftover.of(files / FOLDER, f"the model of a trial that {suite} plans no more")]
    return []


def _is_alone(store: Access, results: Path, known: _Known) -> bool:
    """Whether no other record in the same folder can know of runs that this one does not."""
    databases = {path.resolve() for path in results.glob("*.db")}
    return known.is_all and databases == {default_tracking_uri(results).path} == {store.tracking_uri.path.resolve()}


def _of_strangers(folders: list[Path]) -> list[Leftover]:
    return [
        Leftover.of(path, "files of a run that the record does not know")
        for path in folders
        if {each.name for each in path.iterdir()} <= {"artifacts"}
    ]


def _folders(parent: Path, name: re.Pattern[str]) -> list[Path]:
    if not parent.is_dir():
        return []
    found = (path for path in parent.iterdir() if name.fullmatch(path.name))
    return sorted(path for path in found if path.is_dir() and not path.is_symlink())
