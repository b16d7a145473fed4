"""An MLflow store that is read: what it answers is waited for, and what it says no to is told in a sentence."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from harness.errors import UserError
from harness.files import locked
from harness.record.address import PASSWORD, SQLITE, TOKEN, USERNAME, TrackingUri
from harness.record.artifacts import local_artifact
from harness.record.masking import masked
from harness.record.retry import patient, status_of

NUMBER = "harness.number"  # counts the runs of an experiment in the order in which they were begun
PAGE = 1000
NEW = "new"  # ends the name of a store that is being made


class Access:
    """A store, as far as it is read.

    Arguments:
        tell: is told when the store does not answer, and when it does again; and what of it is damaged.
        makes: whether the store is made where there is none.

    Raises:
        UserError: it can't be opened.
    """

    def __init__(self, address: str, tell: Callable[[str], None] = lambda _: None, makes: bool = False) -> None:
        self.tell = tell
        self.is_silent = False
        self._address = TrackingUri(address)
        self.client = open_store(address, makes)
        self._downloads: tempfile.TemporaryDirectory[str] | None = None  # goes with this object

    @property
    def address(self) -> TrackingUri:
        """Of the record."""
        return self._address

    @property
    def meanwhile(self) -> str:
        """See `Persistent.meanwhile`."""
        return "it is asked again and again"

    def check(self) -> None:
        """See `Persistent.check`."""

    def forget(self) -> None:
        """See `Persistent.forget`."""

    @patient
    def run(self, run: str) -> Run | None:
        """A run by its id; None if there is none."""
        try:
            return self.client.get_run(run)
        except MlflowException as error:
            if is_unknown(error):
                return None
            raise

    @patient
    def experiments(self) -> list[Experiment]:
        """All experiments, the one that was changed last first."""
        return list(self.client.search_experiments(order_by=["last_update_time DESC"]))

    @patient
    def experiment_named(self, name: str) -> Experiment | None:
        """An experiment by its name, deleted ones too; None if there is none."""
        return self.client.get_experiment_by_name(name)

    @patient
    def experiment_tags(self, experiment: str) -> dict[str, str]:
        """The tags of an experiment."""
        return dict(self.client.get_experiment(experiment).tags)

    @patient
    def runs(self, experiments: list[str], query: str) -> list[Run]:
        """All runs of some experiments that match, the newest first."""
        found: list[Run] = []
        token = None
        while experiments:
            page = self.client.search_runs(experiments, query, max_results=PAGE, page_token=token)
            found += page
            token = page.token
            if not token:
                break
        return newest_first(found)

    @patient
    def last_step(self, run: str, metric: str) -> int:
        """The last step at which a metric of a run was logged; -1 if it never was."""
        return max((each.step for each in self.client.get_metric_history(run, metric)), default=-1)

    @patient
    def artifact(self, run: Run, name: str) -> Path:
        """The file or folder of a run's artifact, on this machine.

        Raises:
            UserError: it is not there.
        """
        if self._downloads is None:
            self._downloads = tempfile.TemporaryDirectory(prefix="harness-record-")
        return local_artifact(self.client, run, self.address, name, Path(self._downloads.name) / run.info.run_id)


def begun(run: Run) -> tuple[int, int]:
    """What sorts the runs of an experiment by when they were begun.

    A counter does, as a clock may be set back; runs without a number come from before there was one.
    """
    number = run.data.tags.get(NUMBER, "")
    return (int(number) if number.isdecimal() else 0, run.info.start_time)


def newest_first(runs: list[Run]) -> list[Run]:
    """Runs as they were begun: exactly within an experiment, and by the clock between experiments."""
    latest: dict[str, int] = {}
    timestamps = []
    for run in sorted(runs, key=begun):
        experiment = run.info.experiment_id
        latest[experiment] = max(latest.get(experiment, 0), run.info.start_time)
        timestamps.append((latest[experiment], run))
    timestamps.reverse()  # and runs of one moment stay so
    return [run for _, run in sorted(timestamps, key=lambda pair: pair[0], reverse=True)]


def open_store(address: str, makes: bool = False) -> MlflowClient:
    """A client of an MLflow store.

    Arguments:
        makes: whether the store is made where there is none.

    Raises:
        UserError: the store can't be opened.
    """
    # it prints the traceback of every failed write, which is raised as well and told in a sentence
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    try:
        with _alone(TrackingUri(address), makes), _tidied(TrackingUri(address)):
            if makes and TrackingUri(address).is_local and not TrackingUri(address).exists():
                _make(TrackingUri(address).path)
            client = MlflowClient(address)
            client.search_experiments(max_results=1)
    except Exception as error:
        raise UserError(_refusal(address, error)) from error
    return client


def _make(path: Path) -> None:
    """Make a store whole or not at all: one that is stopped halfway could never be opened."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.{NEW}"):
        maker = left.name.split(".")[-2].partition("-")[0]
        if not (maker.isdecimal() and psutil.pid_exists(int(maker))):
            left.unlink(missing_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.{NEW}")
    client = MlflowClient(TrackingUri.of(aside))
    client.search_experiments(max_results=1)  # this is what makes the tables
    os.replace(aside, path)


def _refusal(address: str, error: Exception) -> str:
    if status_of(error) in (401, 403):
        return (
            f"the record {masked(address)} lets nobody in without a login; set {USERNAME} and {PASSWORD}, or {TOKEN}, "
            f"to one that it knows."
        )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"cannot open the record {masked(address)} ({masked(reason)}); name another --tracking-uri."


@contextmanager
def _tidied(address: TrackingUri) -> Iterator[None]:
    """Remove the empty folder that MLflow makes where an address has % in it, for it takes that as it stands."""
    stray = Path(address.removeprefix(SQLITE).partition("?")[0]).parent
    is_new = address.is_local and not stray.exists()
    yield
    if is_new and stray != address.path.parent:
        with suppress(OSError):
            os.removedirs(stray)


@contextmanager
def _alone(address: TrackingUri, makes: bool) -> Iterator[None]:
    """While a store is made, no other process opens it: it would find half of its tables."""
    with ExitStack() as held:
        path = address.path.with_name(f".{address.path.name}.lock")
        if address.is_local and (makes or path.exists()):
            with suppress(OSError):  # then nobody can make a store here
                held.enter_context(locked(path))
        yield


def is_unknown(error: MlflowException) -> bool:
    """Whether an exception says that there is no such run or experiment."""
    return bool(error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST))
