"""Read an MLflow store: requests are retried while it is unreachable, and refusals are errors of one sentence."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from mlflow.entities import Experiment, Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from harness.errors import UserError
from harness.files import locked
from harness.record.download import local_artifact
from harness.record.masking import masked
from harness.record.names import RUN_NUMBER
from harness.record.retry import retried, status_of
from harness.record.tracking_uri import PASSWORD, SQLITE, TOKEN, USERNAME, TrackingUri

RUNS_PER_PAGE = 1000
UNFINISHED_SUFFIX = "new"  # of the file of a store that is being created


class Access:
    """Requests that read an MLflow store.

    Arguments:
        notify: called with a line when the store stops responding, when it responds again, and for each damaged file.
        makes: create the store if it does not exist.

    Raises:
        UserError: the store can't be opened.
    """

    def __init__(self, tracking_uri: str, notify: Callable[[str], None] = lambda _: None, makes: bool = False) -> None:
        self.notify = notify
        self.is_waiting = False
        self._tracking_uri = TrackingUri(tracking_uri)
        self.client = open_store(tracking_uri, makes)
        self._downloads: tempfile.TemporaryDirectory[str] | None = None  # goes with this object

    @property
    def tracking_uri(self) -> TrackingUri:
        """Where the record is."""
        return self._tracking_uri

    @property
    def while_waiting(self) -> str:
        """See `Retrying.while_waiting`."""
        return "it is asked again and again"

    def ensure_lease(self) -> None:
        """See `Retrying.ensure_lease`."""

    def invalidate(self) -> None:
        """See `Retrying.invalidate`."""

    @retried
    def run(self, run: str) -> Run | None:
        """Return a run by its id; None if there is none."""
        try:
            return self.client.get_run(run)
        except MlflowException as error:
            if is_unknown(error):
                return None
            raise

    @retried
    def experiments(self) -> list[Experiment]:
        """Return all experiments, the most recently changed first."""
        return list(self.client.search_experiments(order_by=["last_update_time DESC"]))

    @retried
    def experiment_named(self, name: str) -> Experiment | None:
        """Return an experiment by its name, even if it is deleted; None if there is none."""
        return self.client.get_experiment_by_name(name)

    @retried
    def experiment_tags(self, experiment: str) -> dict[str, str]:
        """Return the tags of an experiment."""
        return dict(self.client.get_experiment(experiment).tags)

    @retried
    def runs(self, experiments: list[str], query: str = "", view: int = ViewType.ACTIVE_ONLY) -> list[Run]:
        """Return all runs of some experiments that match a query, the newest first.

        Arguments:
            view: whether runs that are not deleted are meant, deleted ones, or all.
        """
        found: list[Run] = []
        token = None
        while experiments:
            page = self.client.search_runs(experiments, query, view, RUNS_PER_PAGE, page_token=token)
            found += page
            token = page.token
            if not token:
                break
        return newest_first(found)

    @retried
    def last_step(self, run: str, metric: str) -> int:
        """Return the last step at which a metric of a run was logged; -1 if it never was."""
        return max((each.step for each in self.client.get_metric_history(run, metric)), default=-1)

    @retried
    def artifact(self, run: Run, name: str) -> Path:
        """Return the local path of a run's artifact, a file or a folder; it is downloaded if need be.

        Raises:
            UserError: it is not there.
        """
        if self._downloads is None:
            self._downloads = tempfile.TemporaryDirectory(prefix="harness-record-")
        return local_artifact(self.client, run, self.tracking_uri, name, Path(self._downloads.name) / run.info.run_id)


def start_order(run: Run) -> tuple[int, int]:
    """Sort key of an experiment's runs: the order in which they were started.

    It is a counter first, since a clock may be set back; runs of early versions have none and come before the others.
    """
    number = run.data.tags.get(RUN_NUMBER, "")
    return (int(number) if number.isdecimal() else 0, run.info.start_time)


def newest_first(runs: list[Run]) -> list[Run]:
    """Sort runs by when they were started: by number within an experiment, by the clock between experiments."""
    latest: dict[str, int] = {}
    timestamps = []
    for run in sorted(runs, key=start_order):
        experiment = run.info.experiment_id
        latest[experiment] = max(latest.get(experiment, 0), run.info.start_time)
        timestamps.append((latest[experiment], run))
    timestamps.reverse()  # and runs of one moment stay so
    return [run for _, run in sorted(timestamps, key=lambda pair: pair[0], reverse=True)]


def open_store(tracking_uri: str, makes: bool = False) -> MlflowClient:
    """Open an MLflow store.

    Arguments:
        makes: create the store if it does not exist.

    Raises:
        UserError: the store can't be opened.
    """
    # it prints the traceback of every failed write, which is also raised and reported in one sentence
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    try:
        with _alone(TrackingUri(tracking_uri), makes), _tidied(TrackingUri(tracking_uri)):
            if makes and TrackingUri(tracking_uri).is_local and not TrackingUri(tracking_uri).exists():
                _make(TrackingUri(tracking_uri).path)
            client = MlflowClient(tracking_uri)
            client.search_experiments(max_results=1)
    except Exception as error:
        raise UserError(_refusal(tracking_uri, error)) from error
    return client


def _make(path: Path) -> None:
    """Create a store in a file aside and rename it: a store that is created only in part can never be opened."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.{UNFINISHED_SUFFIX}"):
        maker = left.name.split(".")[-2].partition("-")[0]
        if not (maker.isdecimal() and psutil.pid_exists(int(maker))):
            left.unlink(missing_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.{UNFINISHED_SUFFIX}")
    client = MlflowClient(TrackingUri.of(aside))
    client.search_experiments(max_results=1)  # this is what makes the tables
    os.replace(aside, path)


def _refusal(tracking_uri: str, error: Exception) -> str:
    if status_of(error) in (401, 403):
        return (
            f"the record {masked(tracking_uri)} lets nobody in without a login; set {USERNAME} and {PASSWORD}, or "
            f"{TOKEN}, to one that it knows."
        )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"cannot open the record {masked(tracking_uri)} ({masked(reason)}); name another --tracking-uri."


@contextmanager
def _tidied(tracking_uri: TrackingUri) -> Iterator[None]:
    """Remove the empty folder that MLflow creates for a URI with %, which it does not decode."""
    stray = Path(tracking_uri.removeprefix(SQLITE).partition("?")[0]).parent
    is_new = tracking_uri.is_local and not stray.exists()
    yield
    if is_new and stray != tracking_uri.path.parent:
        with suppress(OSError):
            os.removedirs(stray)


@contextmanager
def _alone(tracking_uri: TrackingUri, makes: bool) -> Iterator[None]:
    """Keep other processes from opening a store while it is created, since they would find half of its tables."""
    with ExitStack() as held:
        path = tracking_uri.path.with_name(f".{tracking_uri.path.name}.lock")
        if tracking_uri.is_local and (makes or path.exists()):
            with suppress(OSError):  # then nobody can make a store here
                held.enter_context(locked(path))
        yield


def is_unknown(error: MlflowException) -> bool:
    """Whether an exception says that a run or experiment does not exist."""
    return bool(error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST))
